// Package revoke closes the live IRC connections of users whose credentials died: a connection password that was
// revoked, or an access token that the identity provider no longer accepts.
//
// It is driven by ticks (a PingSource in the cluster) and keeps no state of its own: what is still to be closed is in
// the accounts database until a bouncer has closed it, so a bouncer that is away is tried again at the next tick.
package revoke

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/jackc/pgx/v5/pgxpool"
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

// settings are the environment of the function.
type settings struct {
	Database     config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Issuer       config.URL    `env:"OIDC_ISSUER,required,notEmpty"`
	ClientID     string        `env:"OIDC_CLIENT_ID,required,notEmpty"` // a client that may introspect
	ClientSecret config.Secret `env:"OIDC_CLIENT_SECRET,required,notEmpty"`
	SealKey      config.Secret `env:"TOKEN_SEAL_KEY,required,notEmpty"` // that of functions/introspect
	Bouncer      bouncer.Settings
	Cluster      client.Settings // where users' own bouncers are, if anywhere
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	_, err := s.sealKey()
	return errors.Join(err, s.Cluster.ValidateWith(s.Bouncer))
}

func (s *settings) sealKey() ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(s.SealKey.Reveal())
	if err != nil || len(key) != account.SealKeyBytes {
		return nil, fmt.Errorf("TOKEN_SEAL_KEY must be %d bytes in base64", account.SealKeyBytes)
	}
	return key, nil
}

// Function closes connections at each tick. Start makes it ready.
type Function struct {
	log     *slog.Logger
	metrics prometheus.Registerer

	pool     *pgxpool.Pool
	accounts *account.Store
	tokens   *account.Tokens
	provider *introspection.Provider
	shared   *bouncer.Admin
	own      *client.Dedicated // nil where nobody has a bouncer of their own
	closed   prometheus.Counter
}

// New makes the function.
func New() *Function {
	return &Function{
		log: slog.New(slog.DiscardHandler), metrics: prometheus.NewRegistry(),
		closed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "revocations_total", Help: "Users whose connections were closed because a credential died.",
		}),
	}
}

// Instrument tells the function where to report; it must be called before Start, if at all.
func (f *Function) Instrument(with function.Instruments) { f.log, f.metrics = with.Log, with.Metrics }

// Start reads the settings and brings the accounts database up to date. Identity provider and bouncer may start later.
func (f *Function) Start(ctx context.Context, environ map[string]string) error {
	var s settings
	if err := config.Load(environ, &s); err != nil {
		return err
	}
	key, err := s.sealKey()
	if err != nil {
		return err
	}
	calls := outbound.Client(callTimeout)
	f.own, err = s.Cluster.Dedicated(s.Bouncer.PlatformKey, calls)
	if err != nil {
		return err
	}
	f.pool, err = account.Open(ctx, s.Database.Reveal())
	if err != nil {
		return err
	}
	f.accounts = account.NewStore(f.pool)
	f.tokens, err = account.NewTokens(f.accounts, key)
	if err != nil {
		return err
	}
	f.provider = introspection.NewProvider(s.Issuer.String(), s.ClientID, s.ClientSecret, calls)
	f.shared = s.Bouncer.Admin(calls)
	f.metrics.MustRegister(f.closed, store.PoolCollector(f.pool, "accounts"))
	return nil
}

// Ready reports whether ticks can be worked on now.
func (f *Function) Ready(ctx context.Context) (bool, error) {
	if f.pool == nil {
		return false, nil
	}
	if err := f.pool.Ping(ctx); err != nil {
		return false, err
	}
	return true, nil
}

// Stop closes the database connections.
func (f *Function) Stop(context.Context) error {
	if f.pool != nil {
		f.pool.Close()
	}
	return nil
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
	return nil, nil //nolint:nilnil // a CloudEvents function's way to answer with nothing
}
