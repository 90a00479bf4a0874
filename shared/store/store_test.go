package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

func open(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestATransactionRollsBackOnError(t *testing.T) {
	pool := open(t, storetest.URL(t))
	exec(t, pool, `CREATE TABLE a (n int)`)
	refused := errors.New("refused")
	err := store.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO a VALUES (1)`); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("err = %v", err)
	}
	var rows int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM a`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows, want 0 (%v)", rows, err)
	}
}

// Two transactions lock two rows in opposite order; PostgreSQL ends one, which then has to be run again.
func TestADeadlockIsTriedAgain(t *testing.T) {
	pool := open(t, storetest.URL(t))
	exec(t, pool, `CREATE TABLE a (id int PRIMARY KEY, n int)`)
	exec(t, pool, `INSERT INTO a VALUES (1, 0), (2, 0)`)
	var meet sync.WaitGroup
	meet.Add(2)
	add := func(first, second int) error {
		tries := 0
		return store.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			tries++
			if _, err := tx.Exec(t.Context(), `UPDATE a SET n = n + 1 WHERE id = $1`, first); err != nil {
				return err
			}
			if tries == 1 {
				meet.Done()
				meet.Wait()
			}
			_, err := tx.Exec(t.Context(), `UPDATE a SET n = n + 1 WHERE id = $1`, second)
			return err
		})
	}
	var wg sync.WaitGroup
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		wg.Go(func() {
			if err := add(order[0], order[1]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var sum int
	if err := pool.QueryRow(t.Context(), `SELECT sum(n) FROM a`).Scan(&sum); err != nil || sum != 4 {
		t.Errorf("sum = %d, want 4 (%v)", sum, err)
	}
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("postgres://u:hunter2@%s/db", listener.Addr())
	listener.Close() // nobody listens there now
	_, err = open(t, address).Exec(t.Context(), `SELECT 1`)
	if !fault.Is(store.Fault(err), fault.Unavailable) {
		t.Errorf("refused connection: %v", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error holds the password: %v", err)
	}
	pool := open(t, storetest.URL(t))
	exec(t, pool, `SET statement_timeout = 1`) // one connection is enough: nothing else runs
	_, err = pool.Exec(t.Context(), `SELECT pg_sleep(5)`)
	if !fault.Is(store.Fault(err), fault.Unavailable) {
		t.Errorf("statement timeout: %v", err)
	}
	if err := fmt.Errorf("ask: %w", io.ErrUnexpectedEOF); !fault.Is(store.Fault(err), fault.Unavailable) {
		t.Errorf("a connection that breaks: %v", err)
	}
}

func TestWhatCanNeverBeKeptIsInvalid(t *testing.T) {
	pool := open(t, storetest.URL(t))
	exec(t, pool, `CREATE TABLE kept (text text PRIMARY KEY, short varchar(3))`)
	for name, values := range map[string][]any{
		"a NUL":                   {"a\x00b", ""},
		"no UTF-8":                {"a\xffb", ""},
		"too long for its column": {"a", "abcd"},
		"too long for its index":  {randomText(8 << 10), ""},
	} {
		_, err := pool.Exec(t.Context(), `INSERT INTO kept (text, short) VALUES ($1, $2)`, values...)
		if !fault.Is(store.Fault(err), fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// randomText is a text that PostgreSQL cannot make smaller.
func randomText(length int) string {
	var text strings.Builder
	for text.Len() < length {
		text.WriteString(rand.Text())
	}
	return text.String()
}

func TestOtherErrorsKeepTheirKind(t *testing.T) {
	pool := open(t, storetest.URL(t))
	_, err := pool.Exec(t.Context(), `SELECT nonsense`)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, canceledErr := pool.Exec(canceled, `SELECT 1`)
	for _, err := range []error{nil, err, canceledErr, fault.New(fault.NotFound, "No.")} {
		if got := store.Fault(err); got != err { //nolint:errorlint // the very same error
			t.Errorf("Fault(%v) = %v", err, got)
		}
	}
}

func TestEveryStatementHasADeadline(t *testing.T) {
	var timeout string
	pool := open(t, storetest.URL(t))
	if err := pool.QueryRow(t.Context(), `SELECT current_setting('statement_timeout')`).Scan(&timeout); err != nil {
		t.Fatal(err)
	}
	if d, err := time.ParseDuration(timeout); err != nil || d <= 0 || d > time.Minute {
		t.Errorf("statement_timeout = %q", timeout)
	}
}

func TestABadAddressIsRefusedWithoutItsPassword(t *testing.T) {
	_, err := store.Open(t.Context(), "postgres://u:hunter2@host:notaport/db")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err = %v", err)
	}
}
