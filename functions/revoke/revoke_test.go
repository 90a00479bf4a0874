package revoke_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/functions/revoke"
	"irc.now/longrunning/local/introspectiontest"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
	"irc.now/shared/store"
)

const adminToken = "token-of-the-bouncer-admin"

// bouncers is the far end of bouncer.Admin: it writes down who was disconnected, and can be away.
type bouncers struct {
	url   string
	token string

	mu    sync.Mutex
	gone  []string
	fails map[string]bool // by user
}

func startBouncers(t *testing.T) *bouncers {
	t.Helper()
	b := &bouncers{token: adminToken, fails: map[string]bool{}}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bouncers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	user := parts[max(len(parts)-2, 0)]
	switch {
	case r.Header.Get("Authorization") != "Bearer "+b.token || parts[len(parts)-1] != "disconnect":
		w.WriteHeader(http.StatusUnauthorized)
	case b.fails[user]:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		b.gone = append(b.gone, user)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (b *bouncers) fail(user string, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails[user] = on
}

// take returns who was disconnected since the last call.
func (b *bouncers) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	gone := b.gone
	b.gone = nil
	slices.Sort(gone)
	return gone
}

type world struct {
	*account.Store
	pool   *pgxpool.Pool
	tokens *account.Tokens
	idp    *introspectiontest.Provider
	soju   *bouncers
	url    string
}

// key seals tokens.
var key = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, account.SealKeyBytes))

func environment(database, issuer, bouncer string) map[string]string {
	return map[string]string{
		"ACCOUNTS_DATABASE_URL": database, "OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": introspectiontest.ClientID,
		"OIDC_CLIENT_SECRET": introspectiontest.ClientSecret.Reveal(),
		"TOKEN_SEAL_KEY":     key, "BOUNCER_ADMIN_URL": bouncer, "BOUNCER_ADMIN_TOKEN": adminToken,
	}
}

func newWorld(t *testing.T, change ...map[string]string) *world {
	t.Helper()
	w := &world{idp: introspectiontest.Start(t), soju: startBouncers(t)}
	sets := []store.Set{account.Migrations, outbox.Migrations}
	database := storetest.Migrated(t, sets...)
	env := environment(storetest.Role(t, database, revoke.Grants, sets...), w.idp.Issuer, w.soju.url)
	for _, more := range change {
		maps.Copy(env, more)
	}
	w.url = serve(t, env)
	pool, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	// What the test does happened an hour ago, so that no tick has to be waited for.
	hourAgo := account.WithClock(func() time.Time { return time.Now().Add(-time.Hour) })
	w.pool, w.Store = pool, account.NewStore(pool, hourAgo)
	var sealKey account.SealKey
	if err := sealKey.UnmarshalText([]byte(key)); err != nil {
		t.Fatal(err)
	}
	w.tokens = account.NewTokens(w.Store, sealKey)
	return w
}

func serve(t *testing.T, env map[string]string) string {
	t.Helper()
	instance := function.New("revoke", cloudevent.Function(revoke.New()), slog.New(slog.DiscardHandler))
	if err := instance.Start(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(instance)
	t.Cleanup(func() {
		server.Close()
		if err := instance.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// event sends a CloudEvent in binary mode and returns the status.
func (w *world) event(t *testing.T, kind string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Id": "1", "Source": "/test", "Specversion": "1.0", "Type": kind} {
		r.Header.Set("Ce-"+name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func (w *world) tick(t *testing.T) int {
	t.Helper()
	return w.event(t, "dev.knative.sources.ping")
}

func (w *world) user(t *testing.T, handle account.Handle) account.User {
	t.Helper()
	user, _, err := w.SignIn(t.Context(), string(handle), "")
	if err == nil {
		user, err = w.ChooseHandle(t.Context(), user.ID, handle)
	}
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// revoked is a user whose password was used and revoked.
func (w *world) revoked(t *testing.T, handle account.Handle) {
	t.Helper()
	user := w.user(t, handle)
	secret, password, err := w.CreatePassword(t.Context(), user.ID, "irssi")
	_, useErr := w.VerifyPassword(t.Context(), secret.Reveal())
	if err := errors.Join(err, useErr, w.RevokePassword(t.Context(), user.ID, password.ID)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) wantGone(t *testing.T, want ...string) {
	t.Helper()
	if got := w.soju.take(); !slices.Equal(got, want) {
		t.Errorf("disconnected %v, want %v", got, want)
	}
}

func TestARevokedPasswordClosesItsUsersConnectionsOnce(t *testing.T) {
	w := newWorld(t)
	w.user(t, "ada")
	w.revoked(t, "bob")
	if status := w.tick(t); status != http.StatusAccepted {
		t.Errorf("status %d", status)
	}
	w.wantGone(t, "bob")
	w.tick(t)
	w.wantGone(t)
}

func TestABouncerThatIsAwayIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.revoked(t, "ada")
	w.revoked(t, "bob")
	w.soju.fail("ada", true)
	if status := w.tick(t); status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503 so that the broker knows", status)
	}
	w.wantGone(t, "bob") // one failure does not hold up the others
	w.soju.fail("ada", false)
	if status := w.tick(t); status != http.StatusAccepted {
		t.Errorf("status %d", status)
	}
	w.wantGone(t, "ada")
}

func TestAnAccessTokenThatDiesClosesItsUsersConnections(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"ada", "bob", "cay"} {
		user := w.user(t, account.Handle(name))
		expires := time.Now().Add(time.Hour)
		if name == "cay" {
			expires = time.Now().Add(-time.Minute) // ran out, was not revoked
		}
		w.idp.Accept("token-of-"+name, user.Subject)
		if _, err := w.tokens.Record(t.Context(), user.ID, "token-of-"+name, expires); err != nil {
			t.Fatal(err)
		}
	}
	w.idp.Forget("token-of-bob")
	w.idp.Forget("token-of-cay")
	w.tick(t)
	w.settle(t)
	w.tick(t)
	w.wantGone(t, "bob")
	var left int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM accepted_token`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d tokens are kept, want ada's alone (%v)", left, err)
	}
}

// settle lets the time pass that a sign-in under way may take.
func (w *world) settle(t *testing.T) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `UPDATE accepted_token SET dead_at = dead_at - interval '1 minute'`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAProviderThatIsAwayClosesNothingAndHoldsUpNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.user(t, "ada")
	if _, err := w.tokens.Record(t.Context(), ada.ID, "token", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.revoked(t, "bob")
	w.idp.Fail(http.StatusBadGateway)
	if status := w.tick(t); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	w.settle(t)
	w.tick(t)
	w.wantGone(t, "bob")
}

func TestManyUsersAreWorkedThroughInOneTick(t *testing.T) {
	w := newWorld(t)
	for _, letter := range "abcdefghijklmnopqrst" {
		w.revoked(t, account.Handle("user-"+string(letter)))
	}
	w.tick(t)
	if got := w.soju.take(); len(got) != 20 {
		t.Errorf("%d users were disconnected: %v", len(got), got)
	}
}

func TestOtherEventsAreRefusedForGood(t *testing.T) {
	w := newWorld(t)
	w.revoked(t, "ada")
	if status := w.event(t, "now.irc.account.signed-up"); status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", status)
	}
	w.wantGone(t)
}

func TestEveryProblemOfTheEnvironmentIsNamed(t *testing.T) {
	err := revoke.New().Start(t.Context(), nil)
	for _, name := range []string{"ACCOUNTS_DATABASE_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET",
		"TOKEN_SEAL_KEY", "BOUNCER_ADMIN_URL", "BOUNCER_ADMIN_TOKEN"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}

// Whatever makes a start fail, the database hears no more of it: here the metrics are somebody else's already.
func TestAStartThatFailsLeavesNoConnection(t *testing.T) {
	database := storetest.Migrated(t, account.Migrations)
	env := environment(database, "http://idp.example", "http://bouncer.example")
	taken := prometheus.NewRegistry()
	taken.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "revocations_total", Help: "Another's."}))
	_ = storetest.FailedStart(t, database, func() error {
		f := revoke.New()
		f.Instrument(function.Instruments{Log: slog.New(slog.DiscardHandler), Metrics: taken})
		return f.Start(t.Context(), env)
	})
}

func TestAStartOnAnOldSchemaLeavesNoConnection(t *testing.T) {
	database := storetest.URL(t)
	env := environment(database, "http://idp.example", "http://bouncer.example")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := storetest.FailedStart(t, database, func() error { return revoke.New().Start(ctx, env) })
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v", err)
	}
}
