package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
	"irc.now/shared/telemetry"
)

// memory is a sink that remembers what it took.
type memory struct {
	mu    sync.Mutex
	taken []event.Event
	fail  func(event.Event) error
	took  chan struct{}
}

func (m *memory) Send(_ context.Context, e event.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(e); err != nil {
			return err
		}
	}
	m.taken = append(m.taken, e)
	if m.took != nil {
		m.took <- struct{}{}
	}
	return nil
}

func (m *memory) ids() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := map[string]int{}
	for _, e := range m.taken {
		ids[e.ID()]++
	}
	return ids
}

func (m *memory) setFail(fail func(event.Event) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func database(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := store.Open(t.Context(), storetest.Migrated(t, account.Migrations, outbox.Migrations))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// write puts n events into the outbox in one transaction and gives their ids.
func write(t testing.TB, pool *pgxpool.Pool, n int) []string {
	t.Helper()
	var ids []string
	err := store.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		ids = nil
		for i := range n {
			e := changed(t, fmt.Sprintf("account-%d", i))
			ids = append(ids, e.ID())
			if err := outbox.Write(t.Context(), tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func changed(t testing.TB, id string) event.Event {
	t.Helper()
	e, err := event.New(event.SourceAccounts, event.PlanChanged{Account: id, From: "free", To: "pro"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func relay(t testing.TB, pool *pgxpool.Pool, sink outbox.Sink) *outbox.Relay {
	t.Helper()
	r := outbox.NewRelay(pool, sink, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = r.Stop(context.Background()) })
	return r
}

func TestFlushSendsEachEventOnceAsItWasWritten(t *testing.T) {
	pool, sink := database(t), &memory{}
	r := relay(t, pool, sink)
	ids := write(t, pool, 150)
	for round, want := range []int{150, 0} {
		if sent, err := r.Flush(t.Context()); err != nil || sent != want {
			t.Errorf("round %d: sent %d, %v; want %d", round, sent, err, want)
		}
	}
	for _, id := range ids {
		if sink.ids()[id] != 1 {
			t.Errorf("event %s was sent %d times", id, sink.ids()[id])
		}
	}
	payload, err := event.Decode[event.PlanChanged](sink.taken[0])
	if err != nil || payload.To != "pro" || sink.taken[0].Source() != event.SourceAccounts {
		t.Errorf("got %v, %v", sink.taken[0], err)
	}
}

func TestARolledBackTransactionSendsNothing(t *testing.T) {
	pool, sink := database(t), &memory{}
	boom := errors.New("boom")
	err := store.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		if err := outbox.Write(t.Context(), tx, changed(t, "a")); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if sent, err := relay(t, pool, sink).Flush(t.Context()); err != nil || sent != 0 {
		t.Errorf("sent %d, %v", sent, err)
	}
}

func TestWhatAnAbsentSinkMissedIsSentLater(t *testing.T) {
	pool, sink := database(t), &memory{}
	sink.setFail(func(event.Event) error { return fault.New(fault.Unavailable, "away") })
	r := relay(t, pool, sink)
	write(t, pool, 40)
	if sent, err := r.Flush(t.Context()); sent != 0 || !fault.Is(err, fault.Unavailable) {
		t.Errorf("sent %d, %v", sent, err)
	}
	sink.setFail(nil)
	if sent, err := r.Flush(t.Context()); sent != 40 || err != nil {
		t.Errorf("sent %d, %v", sent, err)
	}
}

func TestARefusedEventDoesNotKeepOthersBack(t *testing.T) {
	pool, sink := database(t), &memory{}
	bad := write(t, pool, 1)[0]
	sink.setFail(func(e event.Event) error {
		if e.ID() == bad {
			return event.ErrRefused
		}
		return nil
	})
	r := relay(t, pool, sink)
	write(t, pool, 100)
	if sent, err := r.Flush(t.Context()); sent != 100 || err != nil {
		t.Errorf("sent %d, %v", sent, err)
	}
	var refusals int
	var due time.Duration
	err := pool.QueryRow(t.Context(), `SELECT refusals, due_at - now() FROM outbox WHERE sent_at IS NULL`).
		Scan(&refusals, &due)
	if err != nil || refusals != 1 || due < 30*time.Second || due > 2*time.Minute {
		t.Errorf("refusals %d, due in %v, %v", refusals, due, err)
	}
	sink.setFail(nil)
	if _, err := pool.Exec(t.Context(), `UPDATE outbox SET due_at = now()`); err != nil {
		t.Fatal(err)
	}
	if sent, err := r.Flush(t.Context()); sent != 1 || err != nil {
		t.Errorf("later: sent %d, %v", sent, err)
	}
}

func TestManyRelaysShareTheWork(t *testing.T) {
	pool, sink := database(t), &memory{}
	ids := write(t, pool, 500)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := relay(t, pool, sink).Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if n := sink.ids()[id]; n != 1 {
			t.Errorf("event %s was sent %d times", id, n)
		}
	}
}

func TestWakeSendsInTheBackground(t *testing.T) {
	pool, sink := database(t), &memory{took: make(chan struct{}, 10)}
	r := relay(t, pool, sink)
	for range 3 {
		write(t, pool, 1)
		r.Wake()
	}
	for range 3 {
		select {
		case <-sink.took:
		case <-time.After(10 * time.Second):
			t.Fatal("an event was not sent")
		}
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, pool, 1)
	r.Wake()
	if len(sink.ids()) != 3 {
		t.Error("a stopped relay still sends")
	}
}

func TestStopEndsAFlushThatHangs(t *testing.T) {
	pool := database(t)
	entered := make(chan struct{})
	r := relay(t, pool, sinkFunc(func(ctx context.Context, _ event.Event) error {
		close(entered)
		<-ctx.Done()
		return fault.Wrap(ctx.Err(), fault.Unavailable, "away")
	}))
	write(t, pool, 1)
	r.Wake()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type sinkFunc func(context.Context, event.Event) error

func (f sinkFunc) Send(ctx context.Context, e event.Event) error { return f(ctx, e) }

func TestPruneKeepsWhatIsUnsentOrYoung(t *testing.T) {
	pool := database(t)
	r := relay(t, pool, &memory{})
	write(t, pool, 2)
	if _, err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, pool, 1)
	if n, err := r.Prune(t.Context(), time.Hour); err != nil || n != 0 {
		t.Errorf("pruned %d, %v", n, err)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE outbox SET sent_at = sent_at - interval '2 h'`); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Prune(t.Context(), time.Hour); err != nil || n != 2 {
		t.Errorf("pruned %d, %v", n, err)
	}
}

func TestTheRequestsIDTravelsWithTheEvent(t *testing.T) {
	pool, sink := database(t), &memory{}
	ctx := telemetry.WithRequestID(t.Context(), "request-1")
	err := store.InTx(ctx, pool, func(tx pgx.Tx) error { return outbox.Write(ctx, tx, changed(t, "a")) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := relay(t, pool, sink).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := event.RequestID(sink.taken[0]); got != "request-1" {
		t.Errorf("got %q", got)
	}
}

func TestWriteRefusesWhatNoBrokerTakes(t *testing.T) {
	pool := database(t)
	big := changed(t, "a")
	if err := big.SetData("text/plain", make([]byte, event.MaxSize)); err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]event.Event{"empty": {}, "big": big} {
		err := store.InTx(t.Context(), pool, func(tx pgx.Tx) error { return outbox.Write(t.Context(), tx, e) })
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
