package inbox_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/event/inbox"
	"irc.now/shared/store"
)

var key = inbox.Key{Consumer: "billing", Source: "/stripe", ID: "evt_1"}

// open is the database as a consumer's own role has it.
func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	owner := storetest.Migrated(t, inbox.Migrations)
	pool, err := store.Open(t.Context(), storetest.Role(t, owner, []store.Grant{inbox.Consumer}, inbox.Migrations))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func mark(t *testing.T, pool *pgxpool.Pool, key inbox.Key, then error) (first bool) {
	t.Helper()
	err := store.InTx(t.Context(), pool, func(tx pgx.Tx) (err error) {
		if first, err = inbox.Mark(t.Context(), tx, key, time.Now()); err != nil {
			return err
		}
		return then
	})
	if !errors.Is(err, then) {
		t.Error(err)
	}
	return first
}

func processed(t *testing.T, pool *pgxpool.Pool, key inbox.Key) (done bool) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SELECT `+inbox.Processed, key.Args()).Scan(&done); err != nil {
		t.Fatal(err)
	}
	return done
}

func TestOfManyDeliveriesOneIsTheFirst(t *testing.T) {
	pool := open(t)
	var all sync.WaitGroup
	var firsts atomic.Int32
	for range 8 {
		all.Go(func() {
			if mark(t, pool, key, nil) {
				firsts.Add(1)
			}
		})
	}
	all.Wait()
	if firsts.Load() != 1 || !processed(t, pool, key) {
		t.Errorf("%d were the first", firsts.Load())
	}
	for _, other := range []inbox.Key{{"limits", "/stripe", "evt_1"}, {"billing", "/other", "evt_1"}, {"billing", "/stripe", "evt_2"}} {
		if processed(t, pool, other) {
			t.Errorf("%+v is taken for another event", other)
		}
	}
}

func TestAMarkIsGoneWithWhatTheEventDid(t *testing.T) {
	pool := open(t)
	if !mark(t, pool, key, errors.New("the work failed")) || processed(t, pool, key) {
		t.Error("an event whose work was rolled back counts as applied")
	}
	if !mark(t, pool, key, nil) {
		t.Error("it cannot be applied any more")
	}
}

func TestMarksAreForgottenWhenNobodySendsAgain(t *testing.T) {
	pool := open(t)
	mark(t, pool, key, nil)
	for _, c := range []struct {
		later time.Duration
		kept  bool
	}{{30 * 24 * time.Hour, true}, {61 * 24 * time.Hour, false}} {
		if err := inbox.Forget(t.Context(), pool, time.Now().Add(c.later)); err != nil {
			t.Fatal(err)
		}
		if processed(t, pool, key) != c.kept {
			t.Errorf("after %s: kept is %v", c.later, !c.kept)
		}
	}
}
