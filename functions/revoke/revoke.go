// Package revoke closes the live IRC connections of users whose credentials died: a connection password that was
// revoked, or an access token that the identity provider no longer accepts.
//
// It is driven by ticks (a PingSource in the cluster) and keeps no state of its own: what is still to be closed is in
// the accounts database until a bouncer has closed it, so a bouncer that is away is tried again at the next tick.
package revoke

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/introspection"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
)

// tick is the type of a PingSource's events.
const tick = "dev.knative.sources.ping"

const callTimeout = 5 * time.Second

// Grants are what the function does in the accounts database: it remembers what it has checked and closed.
var Grants = []store.Grant{
	{Table: "account", May: "SELECT (id, handle)"},
	{Table: "connection_password", May: "SELECT (id, account_id, last_used_at, revoked_at, disconnected_at), UPDATE (disconnected_at)"},
	{Table: "accepted_token", May: "SELECT, UPDATE (checked_at, dead_at, disconnected_at), DELETE"},
}

// settings are the environment of the function.
type settings struct {
	Database     config.Secret   `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Issuer       config.URL      `env:"OIDC_ISSUER,required,notEmpty"`
	ClientID     string          `env:"OIDC_CLIENT_ID,required,notEmpty"` // a client that may introspect
	ClientSecret config.Secret   `env:"OIDC_CLIENT_SECRET,required,notEmpty"`
	SealKey      account.SealKey `env:"TOKEN_SEAL_KEY,required,notEmpty"` // that of functions/introspect
	Bouncer      bouncer.Settings
	Cluster      client.Settings // where users' own bouncers are, if anywhere
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error { return s.Cluster.ValidateWith(s.Bouncer) }

// Function closes connections at each tick. Start makes it ready.
type Function struct {
	*store.Database

	log       *slog.Logger
	accounts  *account.Store
	tokens    *account.Tokens
	provider  *introspection.Provider
	shared    *bouncer.Admin
	dedicated *client.Dedicated // nil where nobody has a bouncer of their own
	closed    prometheus.Counter
}

// New makes the function.
func New() *Function {
	return &Function{
		Database: store.NewDatabase("accounts", account.Migrations), log: slog.New(slog.DiscardHandler),
		closed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "revocations_total", Help: "Users whose connections were closed because a credential died.",
		}),
	}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	f.LogTo(with.Log)
	with.Metrics.MustRegister(f.closed, f.Collector())
}

// Start reads the settings and opens the accounts database. Identity provider and bouncer may start later.
func (f *Function) Start(ctx context.Context, environ map[string]string) error {
	var s settings
	if err := config.Load(environ, &s); err != nil {
		return err
	}
	calls := outbound.Client(callTimeout)
	dedicated, err := s.Cluster.Dedicated(s.Bouncer.AdminKey, calls)
	if err != nil {
		return err
	}
	if err := f.Open(ctx, s.Database); err != nil {
		return err
	}
	f.accounts = account.NewStore(f.Pool)
	f.tokens = account.NewTokens(f.accounts, s.SealKey)
	f.provider = introspection.NewProvider(s.Issuer.String(), s.ClientID, s.ClientSecret, calls)
	f.shared, f.dedicated = s.Bouncer.Admin(calls), dedicated
	return f.Wait(ctx)
}

// Handle works through what has piled up. Any number of ticks may be worked on at once, and any may fail: the next
// one does what was left.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	if e.Type() != tick {
		return nil, fault.New(fault.Invalid, "This function works on ticks of type %s only.", tick)
	}
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	// A provider that is away must not keep revoked passwords' connections open, nor the other way round.
	err := errors.Join(f.checkTokens(ctx), f.closeConnections(ctx))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "Not every connection could be closed; the next tick tries again.")
	}
	return nil, nil // a CloudEvents function's way to answer with nothing
}
