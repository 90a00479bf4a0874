package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/jackc/pgx/v5"

	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
	"irc.now/tests/eventually"
)

// The variables with which this test binary becomes the program that is killed.
const (
	killDatabase = "OUTBOX_KILL_DATABASE"
	killSink     = "OUTBOX_KILL_SINK"
	killWhen     = "OUTBOX_KILL_WHEN"
)

func TestMain(m *testing.M) {
	if os.Getenv(killDatabase) != "" {
		publishAndDie()
		os.Exit(1) // it should not have got here
	}
	os.Exit(m.Run())
}

// publishAndDie writes a fact and its event as a function does, and is killed at the moment that killWhen names.
func publishAndDie() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := store.Open(ctx, os.Getenv(killDatabase))
	if err != nil {
		panic(err)
	}
	err = store.InTx(ctx, pool, func(tx pgx.Tx) error {
		e, err := event.NewWithID("fact-1", time.Now(), event.SourceAccounts, event.PlanChanged{Account: "a", From: "free", To: "pro"})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO account (subject, email, plan, created_at) VALUES ('a', '', 'pro', now())`); err != nil {
			return err
		}
		if err := outbox.Write(ctx, tx, e); err != nil {
			return err
		}
		die("before the commit")
		return nil
	})
	if err != nil {
		panic(err)
	}
	die("between commit and publish")
	sink := event.NewSink(config.URL(os.Getenv(killSink)), outbound.Client(10*time.Second))
	r := outbox.NewRelay(pool, sinkFunc(func(ctx context.Context, e event.Event) error {
		if err := sink.Send(ctx, e); err != nil {
			panic(err)
		}
		die("between publish and mark")
		return nil
	}), slog.New(slog.DiscardHandler))
	if _, err := r.Flush(ctx); err != nil {
		panic(err)
	}
	die("after all of it")
}

func die(now string) {
	if os.Getenv(killWhen) == now {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// consumer applies each event once, as every consumer of ours must.
type consumer struct {
	mu      sync.Mutex
	arrived int
	applied map[string]bool
}

func (c *consumer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, err := cehttp.NewEventFromHTTPRequest(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived++
	c.applied[e.Source()+" "+e.ID()] = true
	w.WriteHeader(http.StatusAccepted)
}

func TestAKilledPublisherHasOneEffectOrNone(t *testing.T) {
	for when, want := range map[string]struct{ arrived, applied int }{
		"before the commit":          {0, 0}, // the fact is not true either
		"between commit and publish": {1, 1},
		"between publish and mark":   {2, 1}, // at least once
		"after all of it":            {1, 1},
	} {
		t.Run(when, func(t *testing.T) {
			pool := database(t)
			c := &consumer{applied: map[string]bool{}}
			server := httptest.NewServer(c)
			defer server.Close()
			runKilled(t, pool.Config().ConnString(), server.URL, when)

			// The next tick finds whatever was left behind. The dead program's connection holds its rows until
			// PostgreSQL notices that it has gone.
			r := relay(t, pool, event.NewSink(config.URL(server.URL), outbound.Client(10*time.Second)))
			waitUntilGone(t, pool.Config().ConnString())
			if _, err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.arrived != want.arrived || len(c.applied) != want.applied {
				t.Errorf("arrived %d times, %d effects; want %d and %d", c.arrived, len(c.applied), want.arrived, want.applied)
			}
			var facts, unsent int
			err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM account),
				(SELECT count(*) FROM outbox WHERE sent_at IS NULL)`).Scan(&facts, &unsent)
			if err != nil || facts != want.applied || unsent != 0 {
				t.Errorf("%d facts, %d unsent, %v", facts, unsent, err)
			}
		})
	}
}

// runKilled runs publishAndDie in a process of its own and checks that it was killed.
func runKilled(t *testing.T, database, sink, when string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), killDatabase+"="+database, killSink+"="+sink, killWhen+"="+when)
	output, err := child.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("the publisher was not killed: %v\n%s", err, output)
	}
	if status, is := exit.Sys().(syscall.WaitStatus); !is || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the publisher was not killed: %v\n%s", err, output)
	}
}

// waitUntilGone waits for PostgreSQL to end the killed program's sessions; nothing signals that.
func waitUntilGone(t *testing.T, database string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	eventually.Within(t, 20*time.Second, func(ctx context.Context) error {
		var open int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND state LIKE 'idle in transaction%'`).Scan(&open)
		if err != nil {
			t.Fatal(err)
		}
		return eventually.True(open == 0, "the killed program's transaction is still open")
	})
}
