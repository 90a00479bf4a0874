package introspect_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/account"
	"irc.now/shared/store"
)

const (
	workers   = 8
	slice     = 400 // requests per turn
	benchUser = 40  // with as many passwords each as there may be: no password gets near its limit
)

// BenchmarkIntrospection compares introspection over HTTP, as soju asks, with the bare pgx query that finds a password
// and its owner, on the same server, and reports requests per second as a ratio: 1 would mean that HTTP, checking and
// limiting cost nothing. A bare net/http handler around the same query shows how much of the difference is HTTP's: the
// ratio to that one is "httpratio". All have as many workers and connections, and take turns, so that a machine whose
// speed changes changes all.
func BenchmarkIntrospection(b *testing.B) {
	w := newWorld(b)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	w.url = serve(b, w.env, null) // logs cost as much as outside tests, where nobody keeps them in memory
	ids, requests := w.passwords(b)
	pool, err := store.Open(b.Context(), w.env["ACCOUNTS_DATABASE_URL"])
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	bareServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("token") == "" || bareQuery(b, pool, ids[0]) != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte(`{"active":true}`))
	}))
	defer bareServer.Close()
	asker, bareAsker := dial(b, w.url), dial(b, bareServer.URL)
	askBare := func(worker, i int) error { return bareAsker[worker].ask(requests[i%len(requests)]) }
	ask := func(worker, i int) error { return asker[worker].ask(requests[i%len(requests)]) }
	query := func(_, i int) error { return bareQuery(b, pool, ids[i%len(ids)]) }
	var whole, handler, bare rate
	new(rate).run(b, ask, askBare, query) // warm both up: first uses are recorded, statements prepared
	for b.Loop() {
		whole.run(b, ask)
		handler.run(b, askBare)
		bare.run(b, query)
	}
	b.ReportMetric(whole.perSecond(), "introspections/s")
	b.ReportMetric(bare.perSecond(), "queries/s")
	b.ReportMetric(whole.perSecond()/bare.perSecond(), "ratio")
	b.ReportMetric(whole.perSecond()/handler.perSecond(), "httpratio")
}

// passwords makes many, and the requests that ask about them.
func (w *world) passwords(b *testing.B) (ids []string, requests [][]byte) {
	b.Helper()
	for n := range benchUser {
		user := w.user(b, account.Handle(fmt.Sprintf("user-%d", n)))
		for range account.MaxPasswords {
			secret, password, err := w.CreatePassword(b.Context(), user.ID, "bench")
			if err != nil {
				b.Fatal(err)
			}
			var raw bytes.Buffer
			if err := w.request(b, secret.Reveal()).Write(&raw); err != nil {
				b.Fatal(err)
			}
			ids, requests = append(ids, password.ID), append(requests, raw.Bytes())
		}
	}
	return ids, requests
}

// bareQuery is the least that has to be asked of the database: everything an answer is made of, in one query.
func bareQuery(b *testing.B, pool *pgxpool.Pool, id string) error {
	var hash []byte
	var used *time.Time
	var account, handle *string
	return pool.QueryRow(b.Context(), `
		SELECT p.hash, p.last_used_at, a.id::text, a.handle FROM (SELECT $1::text AS id) AS asked
		LEFT JOIN connection_password p ON p.id = asked.id AND p.revoked_at IS NULL
		LEFT JOIN account a ON a.id = p.account_id`, id).Scan(&hash, &used, &account, &handle)
}

// connection is a keep-alive connection that sends requests made in advance: the cost of a client is not measured.
type connection struct {
	net.Conn
	answers *bufio.Reader
}

func dial(b *testing.B, url string) []connection {
	b.Helper()
	connections := make([]connection, workers)
	for i := range connections {
		conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		connections[i] = connection{conn, bufio.NewReader(conn)}
	}
	return connections
}

func (c connection) ask(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	length, err := c.head()
	if err != nil {
		return err
	}
	body, err := c.answers.Peek(length)
	if err == nil && !bytes.HasPrefix(body, []byte(`{"active":true`)) {
		return fmt.Errorf("the answer is %s", body)
	}
	_, _ = c.answers.Discard(length) // has been read
	return err
}

// head reads an answer up to its body, and tells how long that is.
func (c connection) head() (length int, err error) {
	for {
		line, err := c.answers.ReadSlice('\n')
		if err != nil || len(line) <= len("\r\n") {
			return length, err
		}
		if digits, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(digits))); err != nil {
				return 0, err
			}
		}
	}
}

// rate adds up how long how many calls took.
type rate struct {
	calls int
	spent time.Duration
}

func (r *rate) perSecond() float64 { return float64(r.calls) / r.spent.Seconds() }

// run makes one slice of calls to each of the functions, by all workers at once.
func (r *rate) run(b *testing.B, calls ...func(worker, i int) error) {
	for _, call := range calls {
		var next atomic.Int64
		var wg sync.WaitGroup
		began := time.Now()
		for worker := range workers {
			wg.Go(func() {
				for i := next.Add(1); i <= slice; i = next.Add(1) {
					if err := call(worker, r.calls+int(i)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		r.spent += time.Since(began)
		r.calls += slice
	}
}
