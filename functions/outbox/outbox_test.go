package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/functions/outbox"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
	"irc.now/shared/store"

	box "irc.now/shared/event/outbox"
)

// world is the function with the outboxes of two databases.
type world struct {
	*outbox.Function
	t             *testing.T
	instance      *function.Instance
	accounts, lab *pgxpool.Pool // as their owners have them
	took          atomic.Int64
	away          atomic.Bool // the broker
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, Function: outbox.New()}
	broker := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		if w.away.Load() {
			answer.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.took.Add(1)
		answer.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(broker.Close)
	var addresses [2]string
	for i, pool := range []**pgxpool.Pool{&w.accounts, &w.lab} {
		owner := storetest.Migrated(t, box.Migrations)
		addresses[i] = storetest.Role(t, owner, outbox.Grants, box.Migrations)
		opened, err := store.Open(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(opened.Close)
		*pool = opened
	}
	instance := function.New("outbox", cloudevent.Function(w.Function), slog.New(slog.DiscardHandler))
	w.instance = instance
	t.Cleanup(func() { _ = instance.Stop(context.Background()) })
	err := instance.Start(t.Context(), map[string]string{
		"OUTBOX_DATABASE_URLS": fmt.Sprintf("accounts=%s,lab=%s", addresses[0], addresses[1]), "K_SINK": broker.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// write puts an event into the outbox.
func (w *world) write(pool *pgxpool.Pool) {
	w.t.Helper()
	err := store.InTx(w.t.Context(), pool, func(tx pgx.Tx) error {
		e, err := event.New(event.SourceAccounts, event.SignedUp{Account: "a"})
		if err != nil {
			return err
		}
		return box.Write(w.t.Context(), tx, e)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tick() error {
	w.t.Helper()
	tick := cloudevents.NewEvent()
	tick.SetID("1")
	tick.SetSource("/tick")
	tick.SetType(event.TickType)
	_, err := w.Handle(w.t.Context(), tick)
	return err
}

// metric is the line of the function's metrics that begins so.
func (w *world) metric(name string) string {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.instance.Internal().ServeHTTP(answer, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(answer.Body.String()) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	w.t.Fatalf("there is no metric %s", name)
	return ""
}

func TestATickSendsWhatEveryOutboxHolds(t *testing.T) {
	w := newWorld(t)
	w.write(w.accounts)
	w.write(w.accounts)
	w.write(w.lab)
	if err := w.tick(); err != nil || w.took.Load() != 3 {
		t.Errorf("the broker took %d events, want 3 (%v)", w.took.Load(), err)
	}
	if err := w.tick(); err != nil || w.took.Load() != 3 {
		t.Errorf("%d events after another tick (%v)", w.took.Load(), err)
	}
	if left := w.metric(`outbox_unsent_events{database="accounts"}`); left != "0" {
		t.Errorf("%s events are said to be left", left)
	}
}

func TestAnAbsentBrokerIsMeasuredAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.write(w.lab)
	w.away.Store(true)
	if err := w.tick(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v", err)
	}
	if left := w.metric(`outbox_unsent_events{database="lab"}`); left != "1" {
		t.Errorf("%s events are said to be left", left)
	}
	if age := w.metric(`outbox_oldest_unsent_seconds{database="lab"}`); age == "0" {
		t.Error("the oldest event has no age")
	}
	w.away.Store(false)
	if err := w.tick(); err != nil || w.took.Load() != 1 {
		t.Errorf("the broker took %d events (%v)", w.took.Load(), err)
	}
}

func TestOneOutboxThatIsAwayKeepsNoOtherWaiting(t *testing.T) {
	w := newWorld(t)
	w.write(w.lab)
	if _, err := w.accounts.Exec(t.Context(), `DROP TABLE outbox`); err != nil {
		t.Fatal(err)
	}
	if err := w.tick(); err == nil || !strings.Contains(err.Error(), "outbox of accounts") || w.took.Load() != 1 {
		t.Errorf("the broker took %d events (%v)", w.took.Load(), err)
	}
}

func TestWhatWasSentLongAgoIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.write(w.accounts)
	w.write(w.accounts)
	if err := w.tick(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.accounts.Exec(t.Context(), `UPDATE outbox SET sent_at = now() - interval '8 days' WHERE number = 1`); err != nil {
		t.Fatal(err)
	}
	if err := w.tick(); err != nil {
		t.Fatal(err)
	}
	var kept int
	if err := w.accounts.QueryRow(t.Context(), `SELECT count(*) FROM outbox`).Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%d events are kept, want 1 (%v)", kept, err)
	}
}

func TestOtherEventsAreNoneOfItsBusiness(t *testing.T) {
	w := newWorld(t)
	e, err := event.New(event.SourceAccounts, event.SignedUp{Account: "a"})
	if err == nil {
		_, err = w.Handle(t.Context(), e)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestReadinessFollowsTheDatabases(t *testing.T) {
	if ready, _ := outbox.New().Ready(t.Context()); ready {
		t.Error("ready before it was started")
	}
	w := newWorld(t)
	if ready, err := w.Ready(t.Context()); !ready {
		t.Error(err)
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if ready, err := w.Ready(t.Context()); ready || err == nil {
		t.Error("ready after it was stopped")
	}
}

func TestBadAddressesAreRefusedUnseen(t *testing.T) {
	for _, text := range []string{
		"postgres://u:hunter2@h/d", "accounts=mysql://u:hunter2@h/d", " accounts=postgres://u:hunter2@h/d",
		"accounts=postgres://u:hunter2@h/d,accounts=postgres://u:hunter2@h/d", "accounts=postgres://u:hunter2@h:port/d",
	} {
		err := outbox.New().Start(t.Context(), map[string]string{"OUTBOX_DATABASE_URLS": text, "K_SINK": "http://broker.example"})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
