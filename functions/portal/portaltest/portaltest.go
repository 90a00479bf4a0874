// Package portaltest gives tests a whole portal on a real database, with a provider that speaks OpenID Connect and a fake
// bouncer, and people with browsers who use it. [clustertest] puts it on a cluster, [tilltest] has it sell.
//
// [clustertest]: https://pkg.go.dev/irc.now/functions/portal/portaltest/clustertest
// [tilltest]: https://pkg.go.dev/irc.now/functions/portal/portaltest/tilltest
package portaltest

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/functions/portal"
	"irc.now/longrunning/local/authtest"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/store"
)

// sets are of the accounts database, as far as the portal uses it.
var sets = []store.Set{account.Migrations, auth.Migrations, outbox.Migrations, inbox.Migrations}

// Rig is a portal that was started, and what stands around it.
type Rig struct {
	*httptest.Server

	Function *portal.Function
	Identity *authtest.Provider
	Bouncer  *Bouncer      // the shared one
	Database string        // URL of the accounts database, for its owner
	Role     string        // the same, for the portal
	Pool     *pgxpool.Pool // on it, for the test
}

// setup is what options change before a portal starts.
type setup struct {
	env    map[string]string
	timing portal.Timing
	log    io.Writer // nil for none
}

// handler shows the test what went wrong. Nothing else is made into records unless somebody reads it, as in production.
func (s *setup) handler(t testing.TB) slog.Handler {
	shown := slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})
	if s.log == nil {
		return shown
	}
	return slog.NewMultiHandler(shown, slog.NewJSONHandler(s.log, nil))
}

// Option changes a portal before it starts.
type Option func(*setup)

// With sets more of the portal's environment.
func With(env map[string]string) Option { return func(s *setup) { maps.Copy(s.env, env) } }

// Timed has the portal keep to another timing than one in which nobody is away who only answers late.
func Timed(timing portal.Timing) Option { return func(s *setup) { s.timing = timing } }

// LogTo has the portal log to w as well, a line of JSON for each record.
func LogTo(w io.Writer) Option { return func(s *setup) { s.log = w } }

// Start starts a portal, which is stopped when the test ends.
func Start(t testing.TB, options ...Option) *Rig {
	t.Helper()
	s := &setup{env: map[string]string{}, timing: portal.Timing{Patience: time.Hour}}
	for _, change := range options {
		change(s)
	}
	g := &Rig{Function: portal.New(), Identity: authtest.Start(t), Bouncer: StartBouncer(t), Database: storetest.Migrated(t, sets...)}
	g.Role = storetest.Role(t, g.Database, portal.Grants, sets...)
	instance := function.New("portal", g.Function, slog.New(s.handler(t)))
	g.Server = httptest.NewServer(instance)
	t.Cleanup(g.Close)
	g.Function.SetTiming(s.timing)
	env := g.Env()
	maps.Copy(env, s.env)
	if err := instance.Start(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := instance.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	g.open(t)
	return g
}

// open opens a pool of the test's own.
func (g *Rig) open(t testing.TB) {
	t.Helper()
	pool, err := store.Open(t.Context(), g.Database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	g.Pool = pool
}

// Env is the environment of a portal on this rig, as it is without options.
func (g *Rig) Env() map[string]string {
	return map[string]string{
		"BASE_URL": g.URL, "LANDING_URL": "http://irc.localhost:8080", "ACCOUNTS_DATABASE_URL": g.Role,
		"OIDC_ISSUER": g.Identity.Issuer, "OIDC_CLIENT_ID": authtest.ClientID, "OIDC_CLIENT_SECRET": authtest.ClientSecret,
		"BOUNCER_ADMIN_URL": g.Bouncer.URL, "BOUNCER_ADMIN_TOKEN": adminToken,
		"IRC_HOST": "irc.localhost", "IRC_PORT": "6667", "IRC_TLS": "false",
		"EXTRA_NETWORKS": "irc.now local=irc+insecure://127.0.0.1:6668",
	}
}

// Execute runs a statement in the accounts database.
func (g *Rig) Execute(t testing.TB, statement string, arguments ...any) {
	t.Helper()
	if _, err := g.Pool.Exec(t.Context(), statement, arguments...); err != nil {
		t.Fatal(err)
	}
}
