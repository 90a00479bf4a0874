package ergo

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"github.com/jackc/pgx/v5"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/operators/reconciler"
	"irc.now/shared/tenant"
	"irc.now/tests/eventually"
)

// reading is what a client needs that asks for history.
var reading = []string{"batch", "server-time", "message-tags", "draft/chathistory"}

// database asks the network's own database, as the role that ergo has.
func (w *world) database() *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.databaseURI())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (w *world) databaseURI() string {
	w.t.Helper()
	var secret corev1.Secret
	w.get(names(w.network).DatabaseSecret(), &secret)
	return string(secret.Data[reconciler.KeyURI])
}

// lab brings two people into a channel, each of whom sees the other.
func (w *world) lab() (ada, bob *serverstest.Client) {
	w.t.Helper()
	ada, bob = w.pod.connect("ada"), w.pod.connect("bob")
	for _, c := range []*serverstest.Client{ada, bob} {
		c.Send("JOIN #lab")
		c.Expect("366", "#lab")
	}
	return ada, bob
}

// say sends a line and waits until it has been heard: ergo has dealt with its history by the next answer.
func say(from, to *serverstest.Client, text string) {
	from.Send("PRIVMSG #lab :"+text, "PING :said")
	to.Expect("PRIVMSG", text)
	from.Expect("PONG", "said")
}

// backlog is what somebody who comes new reads of the channel.
func (w *world) backlog(nick string) []string {
	w.t.Helper()
	c := w.pod.connect(nick, reading...)
	c.Send("JOIN #lab", "CHATHISTORY LATEST #lab * 100", "PING :read")
	var read []string
	c.Await(func(m ircmsg.Message) bool {
		if m.Command == "PRIVMSG" && m.Nick() != "HistServ" { // which tells who came and went
			read = append(read, m.Params[1])
		}
		return m.Command == "PONG"
	})
	return read
}

func (w *world) wantBacklog(nick string, want ...string) {
	w.t.Helper()
	if got := w.backlog(nick); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("the backlog is %q, want %q", got, want)
	}
}

// The password holds what URLs, YAML, SQL and shells read otherwise.
const hostilePassword = `p@ss:w/ord?#&=%41'"\{}[]$;+` + "`" + `,^|<>!~-_.*()`

func TestHistoryIsInTheNetworksOwnDatabaseAndSurvives(t *testing.T) {
	w := newWorld(t, nil)
	w.reconcile()
	w.want(v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
	if text := meta.FindStatusCondition(w.network.Status.Conditions, v1alpha1.DatabaseReady).Message; strings.Contains(text, "memory") {
		t.Errorf("it says %q", text)
	}
	var secret corev1.Secret
	w.update(names(w.network).DatabaseSecret(), &secret, func() { secret.Data["password"] = []byte(hostilePassword) })
	w.ready()
	ada, bob := w.lab()
	say(ada, bob, "first")
	ada.Send("NS REGISTER correct-horse")
	ada.Expect("NOTICE", "now logged in")
	ada.Send("PRIVMSG bob :only for you", "PING :said")
	bob.Expect("PRIVMSG", "only for you")
	ada.Expect("PONG", "said")
	say(bob, ada, "second")

	w.pod.kill()
	w.pod.run()
	w.wantBacklog("eve", "first", "second")
	back := serverstest.DialTLS(t, w.pod.irc)
	if got := back.Authenticate("ada", "ada", "correct-horse", reading...); got.Command != "001" {
		t.Fatalf("sign in: %s", got.Command)
	}
	back.Send("CHATHISTORY LATEST bob * 10")
	back.Expect("PRIVMSG", "only for you")

	conn := w.database()
	var user, database string
	var lines int
	err := conn.QueryRow(t.Context(), `SELECT current_user, current_database(), (SELECT count(*) FROM history)`).Scan(&user, &database, &lines)
	if role := names(w.network).Database(); err != nil || user != role || database != role || lines < 3 {
		t.Errorf("%v: %s has %d lines in %s", err, user, lines, database)
	}
	if config, err := os.ReadFile(filepath.Join(w.pod.dir, "config", keyConfig)); err != nil || strings.Contains(string(config), hostilePassword) {
		t.Errorf("%v: the password is not escaped", err)
	}
}

func TestErgosRoleReachesNothingElse(t *testing.T) {
	w, other := newWorld(t, nil), newWorld(t, nil)
	w.ready()
	other.reconcile()
	address, err := url.Parse(w.databaseURI())
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/" + names(other.network).Database()
	if conn, err := pgx.Connect(t.Context(), address.String()); err == nil {
		_ = conn.Close(t.Context())
		t.Error("it connects to another network's database")
	}
	conn := w.database()
	role := names(w.network).Database()
	for _, sql := range []string{
		`CREATE DATABASE more`, `CREATE ROLE more`, `ALTER ROLE ` + role + ` SUPERUSER`, `SET ROLE postgres`,
		`ALTER SYSTEM SET work_mem = '1GB'`, `SELECT pg_read_file('postgresql.conf')`, `COPY history TO PROGRAM 'cat'`,
		`SELECT rolpassword FROM pg_authid`, `ALTER DATABASE ` + names(other.network).Database() + ` OWNER TO ` + role,
	} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("it may %s", sql)
		}
	}
}

// ergo forgets what is older than a week at its start, and every ten minutes.
func TestHistoryIsKeptForAWeek(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	ada, bob := w.lab()
	for _, text := range []string{"old", "six days", "new"} {
		say(ada, bob, text)
	}
	conn := w.database()
	age := func(text string, days int) {
		t.Helper()
		done, err := conn.Exec(t.Context(), `UPDATE sequence SET nanotime = nanotime - $1::bigint * 86400000000000
			FROM history WHERE history.id = history_id AND position($2::bytea IN data) > 0`, days, []byte(text))
		if err != nil || done.RowsAffected() != 1 {
			t.Fatalf("%v: %d lines of %q", err, done.RowsAffected(), text)
		}
	}
	age("old", 8)
	age("six days", 6)
	w.wantBacklog("eve", "six days", "new")
	w.pod.kill()
	w.pod.run()
	eventually.Within(t, soon, func(ctx context.Context) error {
		var left int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM history WHERE position('old'::bytea IN data) > 0`).Scan(&left)
		return eventually.True(err == nil && left == 0, "%d old lines are left (%v)", left, err)
	})
	w.wantBacklog("mallory", "six days", "new")
}

func TestANetworkOutlivesItsDatabase(t *testing.T) {
	server := newStoppable(t)
	w := newWorldOn(t, server.Server, nil)
	w.ready()
	ada, bob := w.lab()
	say(ada, bob, "before")

	server.stop()
	say(ada, bob, "meanwhile") // nobody is cut off
	if result := w.reconcile(); result.RequeueAfter == 0 {
		t.Error("it does not look again")
	}
	w.want(v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.DatabaseUnavailable, "what is said meanwhile is not kept")
	w.want(v1alpha1.Ready, metav1.ConditionFalse, naming.DatabaseUnavailable, "goes on")
	server.start()
	after := w.keptAgain(ada, bob)
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	w.wantBacklog("eve", "before", after)

	// A server that starts now ends, and says why, but not its password; Kubernetes starts it again.
	server.stop()
	w.pod.kill()
	w.pod.launch()
	<-w.pod.server.Done()
	words := fmt.Sprint(w.pod.server.Err())
	password, _ := url.Parse(w.databaseURI())
	secret, _ := password.User.Password()
	if !strings.Contains(words, "could not connect to postgresql") || strings.Contains(words, secret) {
		t.Errorf("it ends with %s", words)
	}
	server.start()
	w.pod.run()
	w.wantBacklog("mallory", "before", after)
}

// keptAgain talks until a line is kept, and returns it: each connection of ergo's that broke costs it one.
func (w *world) keptAgain(ada, bob *serverstest.Client) (line string) {
	w.t.Helper()
	conn := w.database()
	n := 0
	eventually.Within(w.t, soon, func(ctx context.Context) error {
		n++
		line = fmt.Sprintf("after %d", n)
		say(ada, bob, line)
		var kept bool
		err := conn.QueryRow(ctx, `SELECT count(*) > 0 FROM history WHERE position($1::bytea IN data) > 0`, []byte(line)).Scan(&kept)
		return eventually.True(err == nil && kept, "%q is not kept (%v)", line, err)
	})
	return line
}

// counted counts the passes that got to their database.
type counted struct {
	reconciler.Databases

	passes atomic.Int64
}

func (c *counted) Ensure(ctx context.Context, name, owner string, p tenant.Passwords) (tenant.Credentials, error) {
	defer c.passes.Add(1)
	return c.Databases.Ensure(ctx, name, owner, p)
}

// idle waits until passes have come, and then none for half a second.
func (c *counted) idle(t *testing.T) {
	t.Helper()
	last, since := int64(0), time.Now()
	eventually.Within(t, soon, func(context.Context) error {
		if n := c.passes.Load(); n != last {
			last, since = n, time.Now()
		}
		return eventually.True(last > 0 && time.Since(since) > 500*time.Millisecond, "pass %d came just now", last)
	})
}

// Nothing in the cluster changes when a server goes away that a network uses.
func TestARunningNetworkTellsThatItsDatabaseHasGone(t *testing.T) {
	server := newStoppable(t)
	w := newWorldOn(t, server.Server, nil)
	w.ready()
	scheme, err := reconciler.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := ctrl.NewManager(operatortest.Shared(t).Config(), ctrl.Options{
		Scheme: scheme, Cache: reconciler.CacheOptions(w.namespace), Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	databases := tenants(t, server.Server, time.Hour)
	passes := &counted{Databases: databases}
	w.reconciler.Databases = passes
	w.reconciler.Outage = &reconciler.Outage{Ping: databases.Admin.Ping, Every: 50 * time.Millisecond}
	if err := mgr.Add(w.reconciler.Outage); err != nil {
		t.Fatal(err)
	}
	if err := w.reconciler.SetupWithManager(mgr); err != nil {
		t.Fatal(err)
	}
	operatortest.Run(t, mgr)
	passes.idle(t)
	server.stop()
	eventually.Within(t, soon, func(context.Context) error {
		w.get(w.network.Name, w.network)
		ready := meta.FindStatusCondition(w.network.Status.Conditions, v1alpha1.Ready)
		return eventually.True(ready.Reason == naming.DatabaseUnavailable, "it is %s", ready.Reason)
	})
}

func TestADatabaseThatNeverAnswersIsNotWaitedForForEver(t *testing.T) {
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() }) // it takes connections, and that is all
	address, _ := silent.Addr().(*net.TCPAddr)
	w := newWorld(t, nil)
	w.settings.Database.Port = address.Port
	w.restart()
	w.reconcile()
	w.syncCertificate(w.issue())
	w.sync()
	w.pod.initialise()
	w.pod.launch()
	select {
	case <-w.pod.server.Done():
	case <-time.After(time.Minute):
		t.Fatal("it waits still after a minute")
	}
	if words := fmt.Sprint(w.pod.server.Err()); !strings.Contains(words, "could not connect to postgresql") {
		t.Errorf("it ends with %s", words)
	}
}

// What docs/deploying.md tells administrators to do about an ergo that was killed while it made its tables.
func TestTablesThatWereHalfMadeAreMadeAnew(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	w.pod.kill()
	conn := w.database()
	if _, err := conn.Exec(t.Context(), `DELETE FROM metadata`); err != nil {
		t.Fatal(err)
	}
	w.pod.launch()
	<-w.pod.server.Done()
	if words := fmt.Sprint(w.pod.server.Err()); !strings.Contains(words, `relation "history" already exists`) {
		t.Errorf("it ends with %s", words)
	}
	guide, err := os.ReadFile("../../docs/deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	_, statement, _ := strings.Cut(string(guide), "    DROP TABLE ")
	statement, _, _ = strings.Cut(statement, ";")
	if _, err := conn.Exec(t.Context(), "DROP TABLE "+statement); err != nil {
		t.Fatal(err)
	}
	w.pod.run()
	ada, bob := w.lab()
	say(ada, bob, "hello")
	w.wantBacklog("eve", "hello")
}

// The platform's own databases show a certificate that nobody has to trust.
func TestHistoryGoesToTheDatabaseAsTheModeSays(t *testing.T) {
	server := newStoppable(t)
	server.certify(t)
	server.setTLS(t, "on")
	for mode, encrypted := range map[string]bool{"": true, "prefer": true, "require": true, "disable": false} {
		t.Run("mode "+mode, func(t *testing.T) {
			w := newWorldOn(t, server.Server, nil)
			w.settings.Database.SSLMode = mode
			w.restart()
			w.ready()
			ada, bob := w.lab()
			say(ada, bob, "hello")
			const ssl = `SELECT bool_and(ssl)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = $1`
			if got := server.ask(t, ssl, names(w.network).Database()); got != strconv.FormatBool(encrypted) {
				t.Errorf("encrypted: %s", got)
			}
			w.wantBacklog("eve", "hello")
			w.pod.kill()
		})
	}
	t.Run("not encrypted, but required", func(t *testing.T) {
		server.setTLS(t, "off")
		w := newWorldOn(t, server.Server, nil)
		w.settings.Database.SSLMode = "require"
		w.restart()
		w.reconcile()
		w.syncCertificate(w.issue())
		w.sync()
		w.pod.initialise()
		w.pod.launch()
		<-w.pod.server.Done()
		if words := fmt.Sprint(w.pod.server.Err()); !strings.Contains(words, "refused TLS") {
			t.Errorf("it ends with %s", words)
		}
	})
}

func TestHistoryInMemoryIsSaid(t *testing.T) {
	w := newWorld(t, nil)
	w.settings.History = HistoryMemory
	w.restart()
	w.ready()
	w.want(v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade, "keeps history in memory", "Accounts and channels are kept")
	ada, bob := w.lab()
	say(ada, bob, "hello")
	w.wantBacklog("eve", "hello")
	w.pod.kill()
	w.pod.run()
	w.wantBacklog("mallory")
}

func TestAnotherHistoryRestartsTheServer(t *testing.T) {
	w := newWorld(t, nil)
	w.reconcile()
	var files corev1.Secret
	w.get(names(w.network).ConfigSecret(), &files)
	if text := string(files.Data[keyConfig]); !strings.Contains(text, "uri: postgres://"+names(w.network).Database()+":") {
		t.Errorf("no database in\n%s", text)
	}
	before := w.template().Template.Annotations[naming.Checksum]
	w.settings.History = HistoryMemory
	w.restart()
	w.reconcile()
	if after := w.template().Template.Annotations[naming.Checksum]; after == before {
		t.Error("the pod stays")
	}
}
