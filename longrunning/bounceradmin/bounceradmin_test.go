package bounceradmin_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"irc.now/longrunning/bounceradmin"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/tests/eventually"
)

const (
	token    = config.Secret("test-token")
	password = "bouncer password"
)

// world is a bouncer with its admin service, and a network to connect to.
type world struct {
	*testing.T
	admin *bouncer.Admin
	url   string
	soju  serverstest.SojuServer
	net   bouncer.KnownUpstream
	logs  syncBuffer // what the service logged
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(data)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldBehind(t, func(socket string) string { return socket })
}

// newWorldBehind puts something between the service and soju's socket.
func newWorldBehind(t *testing.T, wrap func(socket string) string) *world {
	t.Helper()
	w := &world{T: t, soju: serverstest.Soju(t, nil), net: serverstest.Ergo(t, nil)}
	logs := io.MultiWriter(&w.logs, serverstest.LogWriter(t))
	server, err := bounceradmin.New(bounceradmin.Config{
		Socket: wrap(w.soju.AdminSocket()), ReaderURL: w.soju.ReaderURL, Token: token,
		Log: slog.New(slog.NewTextHandler(logs, nil)), Own: []bouncer.KnownUpstream{w.net},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	w.url = front.URL
	w.admin = bouncer.NewAdmin(front.URL, token, &http.Client{Timeout: 40 * time.Second})
	return w
}

// user makes a user who can sign in with the test password.
func (w *world) user(name string, limit int) {
	w.Helper()
	if err := w.admin.EnsureUser(w.Context(), name, limit); err != nil {
		w.Fatal(err)
	}
	w.command("user", "update", name, "-password", password)
}

// command does what BouncerServ's commands do when the user or an operator sends them.
func (w *world) command(words ...string) []string {
	w.Helper()
	lines, err := adminsocket.Command(w.Context(), w.soju.AdminSocket(), words...)
	if err != nil {
		w.Fatalf("%q: %v", words, err)
	}
	return lines
}

func (w *world) spec(name string) bouncer.UpstreamSpec {
	return bouncer.UpstreamSpec{Name: name, Host: w.net.Host, Port: w.net.Port}
}

func (w *world) create(user string, spec bouncer.UpstreamSpec) {
	w.Helper()
	if err := w.admin.CreateUpstream(w.Context(), user, spec); err != nil {
		w.Fatal(err)
	}
}

func (w *world) networks(user string) []bouncer.Upstream {
	w.Helper()
	networks, err := w.admin.Upstreams(w.Context(), user)
	if err != nil {
		w.Fatal(err)
	}
	return networks
}

func (w *world) network(user, name string) bouncer.Upstream {
	w.Helper()
	networks := w.networks(user)
	i := slices.IndexFunc(networks, func(n bouncer.Upstream) bool { return n.Name == name })
	if i < 0 {
		w.Fatalf("no network %q among %+v", name, networks)
	}
	return networks[i]
}

// await asks until the network is in the state: soju connects in its own time.
func (w *world) await(user, name string, state bouncer.State) bouncer.Upstream {
	w.Helper()
	return w.awaitUntil(user, name, string(state), func(n bouncer.Upstream) bool { return n.State == state })
}

func (w *world) awaitUntil(user, name, want string, wanted func(bouncer.Upstream) bool) (n bouncer.Upstream) {
	w.Helper()
	eventually.Within(w, 20*time.Second, func(context.Context) error {
		n = w.network(user, name)
		return eventually.True(wanted(n), "%s is %s (%s), want %s", name, n.State, n.Error, want)
	})
	return n
}

func wantKind(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("err = %v, want %v", err, kind)
	}
}

// errOf is for what is refused: whether it would have been done later does not matter.
func errOf(_ bool, err error) error { return err }

func TestTwoUsersTalkThroughTheBouncer(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"ada", "bob"} {
		w.user(name, 1)
		spec := w.spec("TestNet")
		spec.Channels = []string{"#lab", "#Other"}
		w.create(name, spec)
		n := w.await(name, "TestNet", bouncer.Connected)
		if n.Nick != name || !slices.Equal(n.Channels, []string{"#lab", "#Other"}) && !slices.Equal(n.Channels, []string{"#Other", "#lab"}) {
			t.Errorf("network = %+v", n)
		}
	}
	ada := serverstest.SignIn(t, w.soju.Address, "ada", "ada/TestNet", password)
	ada.Expect("366", "#lab")
	bob := serverstest.SignIn(t, w.soju.Address, "bob", "bob/TestNet", password)
	bob.Expect("366", "#lab")
	ada.Send("PRIVMSG #lab :hello bob")
	bob.Expect("PRIVMSG", "hello bob")
	bob.Send("PRIVMSG #lab :hello ada")
	ada.Expect("PRIVMSG", "hello ada")

	status, err := w.admin.Status(t.Context())
	if err != nil || status.Users != 2 || status.Downstreams != 2 || status.Upstreams != 2 {
		t.Errorf("Status = %+v, %v", status, err)
	}

	if err := w.admin.Disconnect(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	ada.Closed()
	if n := w.network("ada", "TestNet"); n.State != bouncer.Connected {
		t.Errorf("the network went with the client: %+v", n)
	}
	bob.Send("PRIVMSG #lab :still here", "PING still")
	bob.Expect("PONG", "still")

	if err := w.admin.DeleteUser(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	bob.Expect("QUIT", "")
	for _, again := range []func(context.Context, string) error{w.admin.DeleteUser, w.admin.Disconnect} {
		if err := again(t.Context(), "ada"); err != nil {
			t.Errorf("not safe to repeat: %v", err)
		}
	}
	if got := w.networks("ada"); len(got) != 0 {
		t.Errorf("a deleted user has networks: %+v", got)
	}
}

func TestTheLimitIsSojusOwn(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	w.create("ada", w.spec("first"))
	second := w.spec("second")
	second.Nick = "ada2"
	err := w.admin.CreateUpstream(t.Context(), "ada", second)
	wantKind(t, err, fault.OverQuota)
	if !strings.Contains(fault.Sentence(err), "plan") {
		t.Errorf("Sentence = %q", fault.Sentence(err))
	}
	if got := w.networks("ada"); len(got) != 1 {
		t.Fatalf("the refused network stays: %+v", got)
	}
	// BouncerServ lets a user keep disabled networks; connecting them is refused here as well.
	w.command("user", "run", "ada", "network", "create", "-addr", "irc+insecure://irc.example:6667", "-name", "spare", "-enabled", "false")
	wantKind(t, errOf(w.admin.SetEnabled(t.Context(), "ada", "spare", true)), fault.OverQuota)
	if _, err := w.admin.SetEnabled(t.Context(), "ada", "first", false); err != nil {
		t.Fatal(err)
	}
	if n := w.network("ada", "first"); n.State != bouncer.Disabled || n.Enabled {
		t.Errorf("network = %+v", n)
	}
	if _, err := w.admin.SetEnabled(t.Context(), "ada", "spare", true); err != nil {
		t.Fatal(err)
	}
	wantKind(t, errOf(w.admin.SetEnabled(t.Context(), "ada", "first", true)), fault.OverQuota)
	// A bigger plan, down to none at all.
	if err := w.admin.EnsureUser(t.Context(), "ada", -1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin.SetEnabled(t.Context(), "ada", "first", true); err != nil {
		t.Fatal(err)
	}
	w.await("ada", "first", bouncer.Connected)
	w.create("ada", second)
}

func TestEnsureUserIsSafeToRepeatAndKeepsConnections(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	w.create("ada", w.spec("TestNet"))
	client := serverstest.SignIn(t, w.soju.Address, "ada", "ada", password)
	for _, limit := range []int{1, 1, 5, -1} {
		if err := w.admin.EnsureUser(t.Context(), "ada", limit); err != nil {
			t.Fatal(err)
		}
	}
	client.Send("PING alive")
	client.Expect("PONG", "alive")
}

func TestEditingChangesWhatItSaysAndNothingElse(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.user("ada", 2)
	spec := w.spec("lab")
	spec.Nick, spec.RealName, spec.ServerPassword = "ada", "Ada L.", "letmein"
	spec.SASLUsername, spec.SASLPassword = "ada", "s3cret"
	spec.Channels = []string{"#one", "#two"}
	w.create("ada", spec)
	first := w.network("ada", "lab")
	if first.SASLUsername != "ada" || !first.ServerPasswordSet || first.RealName != "Ada L." || first.TLS {
		t.Fatalf("network = %+v", first)
	}

	spec.Name, spec.RealName, spec.Channels = "lab-two", "Ada Lovelace", []string{"#TWO", "#three"}
	spec.SASLPassword, spec.KeepSASLPassword = "", true
	spec.ServerPassword, spec.KeepServerPassword = "", true
	if err := w.admin.UpdateUpstream(ctx, "ada", "lab", spec); err != nil {
		t.Fatal(err)
	}
	second := w.network("ada", "lab-two")
	if second.ID != first.ID || second.RealName != "Ada Lovelace" || !slices.Equal(second.Channels, []string{"#three", "#two"}) ||
		second.SASLUsername != "ada" || !second.ServerPasswordSet {
		t.Fatalf("network = %+v", second)
	}

	spec.SASLUsername, spec.KeepSASLPassword, spec.KeepServerPassword = "", false, false
	spec.Nick, spec.RealName, spec.Channels = "", "", nil
	if err := w.admin.UpdateUpstream(ctx, "ada", "lab-two", spec); err != nil {
		t.Fatal(err)
	}
	third := w.network("ada", "lab-two")
	if third.SASLUsername != "" || third.ServerPasswordSet || third.RealName != "" || third.Nick != "ada" || len(third.Channels) != 0 {
		t.Fatalf("network = %+v", third)
	}
	w.await("ada", "lab-two", bouncer.Connected)

	other := w.spec("other")
	other.Nick = "ada_"
	w.create("ada", other)
	other.Name = "lab-two"
	wantKind(t, w.admin.UpdateUpstream(ctx, "ada", "other", other), fault.Conflict)
	wantKind(t, w.admin.CreateUpstream(ctx, "ada", other), fault.Conflict)
	other.Name = "third"
	wantKind(t, w.admin.CreateUpstream(ctx, "ada", other), fault.Conflict) // server and nickname are taken
	wantKind(t, w.admin.UpdateUpstream(ctx, "ada", "nowhere", w.spec("nowhere")), fault.NotFound)
	wantKind(t, errOf(w.admin.DeleteUpstream(ctx, "ada", "nowhere")), fault.NotFound)
	wantKind(t, errOf(w.admin.SetEnabled(ctx, "ada", "nowhere", true)), fault.NotFound)
	if _, err := w.admin.DeleteUpstream(ctx, "ada", "lab-two"); err != nil {
		t.Fatal(err)
	}
	if got := w.networks("ada"); len(got) != 1 || got[0].Name != "other" {
		t.Errorf("networks = %+v", got)
	}
}

func TestAnEditWithoutChangesDoesNotReconnect(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	spec := w.spec("TestNet")
	spec.Channels = []string{"#lab"}
	w.create("ada", spec)
	w.await("ada", "TestNet", bouncer.Connected)
	watcher := serverstest.Register(t, strings.TrimPrefix(w.net.Address().String(), "irc+insecure://"), "watcher")
	watcher.Send("JOIN #lab", "JOIN #more")
	watcher.Expect("366", "#more")
	spec.Nick = "ada" // as a form that shows the default sends it
	spec.Channels = []string{"#lab", "#more"}
	if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", spec); err != nil {
		t.Fatal(err)
	}
	if seen := watcher.Expect("JOIN", "#more"); !strings.HasPrefix(seen.Source, "ada!") {
		t.Errorf("%s joined", seen.Source)
	}
	if _, err := w.admin.SetEnabled(t.Context(), "ada", "TestNet", true); err != nil {
		t.Fatal(err)
	}
	watcher.Send("PRIVMSG ada :still there?", "PING check")
	reply := watcher.Await(func(m serverstest.Message) bool { return m.Command == "PONG" || m.Command == "QUIT" })
	if reply.Command != "PONG" {
		t.Error("the bouncer reconnected")
	}
}

func TestForeignNetworksAreListedAndCanBeEdited(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 9)
	addr := w.net.Address().String()
	for _, words := range [][]string{
		{"-addr", "irc.example.invalid", "-enabled", "false"},
		{"-addr", addr, "-name", "a"},
		{"-addr", "ircs://a.invalid", "-name", "a [connected]", "-enabled", "false"},
		{"-addr", "ircs://b.invalid", "-name", "a (" + addr + ") [connected]", "-enabled", "false"},
		{"-addr", "ircs://c.invalid:1", "-name", "../slash/and dot", "-enabled", "false"},
		{"-addr", "irc+insecure://127.0.0.1:1", "-name", "a [disabled]: x"},
	} {
		w.command(append([]string{"user", "run", "ada", "network", "create"}, words...)...)
	}
	w.await("ada", "a", bouncer.Connected)
	w.awaitUntil("ada", "a [disabled]: x", "refused", func(n bouncer.Upstream) bool {
		return n.State == bouncer.Disconnected && n.Reason == bouncer.PortClosed && n.Error == ""
	})
	for _, name := range []string{"irc.example.invalid", "a [connected]", "a (" + addr + ") [connected]", "../slash/and dot"} {
		if n := w.network("ada", name); n.State != bouncer.Disabled {
			t.Errorf("%q is %s", name, n.State)
		}
	}
	if n := w.network("ada", "irc.example.invalid"); n.Host != "irc.example.invalid" || n.Port != 6697 || !n.TLS {
		t.Errorf("network = %+v", n)
	}
	if err := w.admin.UpdateUpstream(t.Context(), "ada", "../slash/and dot", bouncer.UpstreamSpec{Name: "plain", Host: "irc.oftc.net", Port: 6697, TLS: true}); err != nil {
		t.Fatal(err)
	}
	if n := w.network("ada", "plain"); n.Host != "irc.oftc.net" || n.Enabled {
		t.Errorf("network = %+v", n)
	}
	if _, err := w.admin.DeleteUpstream(t.Context(), "ada", "a [connected]"); err != nil {
		t.Fatal(err)
	}
	w.await("ada", "a", bouncer.Connected)
}
