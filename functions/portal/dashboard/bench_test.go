package dashboard_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

// BenchmarkDashboard compares the dashboard with a bare handler that runs the same queries and writes as many bytes,
// in turns on the same machine and database, and reports the ratio of their requests per second.
func BenchmarkDashboard(b *testing.B) {
	g := portaltest.Start(b)
	g.Bouncer.Give("ada", bouncer.Upstream{ID: 1, Name: "libera", Host: "irc.libera.chat", Port: 6697, TLS: true, Nick: "ada", Channels: []string{"#irc.now"}, Enabled: true, State: bouncer.Connected})
	p := g.User(b, "ada")
	p.Post("/passwords", "name", "Laptop")
	address, token := g.URL+"/", p.Cookie("session")
	size := fetch(b, address, token)

	bare := httptest.NewServer(&bareDashboard{pool: g.Pool, token: storedToken(b, g.Pool), body: make([]byte, size)})
	defer bare.Close()

	var ours, theirs time.Duration
	for b.Loop() {
		ours += inParallel(b, address, token)
		theirs += inParallel(b, bare.URL, token)
	}
	requests := float64(b.N * requestsPerRound)
	b.ReportMetric(requests/ours.Seconds(), "dashboards/s")
	b.ReportMetric(requests/theirs.Seconds(), "bare/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
}

const (
	requestsPerRound = 400
	clients          = 4
)

// inParallel is how long a round of requests takes.
func inParallel(b *testing.B, address, token string) time.Duration {
	began := time.Now()
	done := make(chan struct{})
	for range clients {
		go func() {
			defer func() { done <- struct{}{} }()
			for range requestsPerRound / clients {
				fetch(b, address, token)
			}
		}()
	}
	for range clients {
		<-done
	}
	return time.Since(began)
}

// benchClient keeps a connection for each of the clients.
var benchClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, DialContext: (&net.Dialer{}).DialContext}}

func fetch(b *testing.B, address, token string) int {
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.Error(err)
		return 0
	}
	request.Header.Set("Cookie", "session="+token)
	response, err := benchClient.Do(request)
	if err != nil {
		b.Error(err)
		return 0
	}
	defer response.Body.Close()
	size, err := io.Copy(io.Discard, response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Errorf("status %d: %v", response.StatusCode, err)
	}
	return int(size)
}

func storedToken(b *testing.B, pool *pgxpool.Pool) string {
	var token string
	if err := pool.QueryRow(b.Context(), `SELECT token FROM sessions`).Scan(&token); err != nil {
		b.Fatal(err)
	}
	return token
}

// bareDashboard is the least a program can do to answer with what the dashboard needs from the database.
type bareDashboard struct {
	pool  *pgxpool.Pool
	token string
	body  []byte
}

func (d *bareDashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := d.query(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(d.body) // the benchmark's client reads it
}

func (d *bareDashboard) query(ctx context.Context) error {
	var session []byte
	if err := d.pool.QueryRow(ctx, `SELECT data FROM sessions WHERE token = $1 AND expiry > now()`, d.token).Scan(&session); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	var user account.User
	err := d.pool.QueryRow(ctx, `SELECT id::text, subject, email, coalesce(handle, ''), plan, created_at FROM account WHERE handle = 'ada'`).
		Scan(&user.ID, &user.Subject, &user.Email, &user.Handle, &user.Plan, &user.CreatedAt)
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	rows, err := d.pool.Query(ctx, `SELECT id, name, created_at, last_used_at, revoked_at FROM connection_password
		WHERE account_id = $1 ORDER BY revoked_at IS NOT NULL, created_at DESC, id`, user.ID)
	if err != nil {
		return fmt.Errorf("passwords: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var password account.ConnectionPassword
		if err := rows.Scan(&password.ID, &password.Name, &password.CreatedAt, &password.LastUsedAt, &password.RevokedAt); err != nil {
			return fmt.Errorf("password: %w", err)
		}
	}
	return rows.Err()
}
