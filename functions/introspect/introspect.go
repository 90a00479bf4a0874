// Package introspect tells bouncers who somebody is: it answers OAuth 2.0 token introspection (RFC 7662, found by
// RFC 8414 metadata) for connection passwords made in the portal and for the identity provider's access tokens.
//
// The shared bouncer may ask about everybody. A dedicated bouncer has an address and a secret of its own, at which its
// owner is the only user there is: see scope.go.
//
// soju asks it at every sign-in. It never says "inactive" when it could not find out: a database or an identity
// provider that is away is a 503.
package introspect

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/function"
	"irc.now/shared/introspection"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
	"irc.now/shared/telemetry"
	"irc.now/shared/throttle"
)

const (
	answerTimeout   = 8 * time.Second // less than a client waits for its SASL exchange
	providerTimeout = 5 * time.Second
)

// Function answers introspection requests. Start makes it ready.
type Function struct {
	log     *slog.Logger
	metrics prometheus.Registerer

	pool     *pgxpool.Pool
	handler  http.Handler
	base     config.URL
	clients  clients
	key      config.Secret // of the platform; may be empty
	accounts *account.Store
	tokens   *account.Tokens
	provider *introspection.Provider
	counts   *prometheus.CounterVec
	limits   limits
}

// limits bound how often something may be tried. Secrets of 160 bits are not guessed at any rate: the limits keep a
// client that is stuck in a loop, or somebody who tries, from costing others their share.
type limits struct {
	clientFailures *throttle.Limiter // by network address: who does not know a client's secret
	password       *throttle.Limiter // by password id; all of a user's clients may reconnect at once
	address        *throttle.Limiter // by end user's address: access tokens, each costs a call to the provider
	client         *throttle.Limiter // by client: the same, all users together
}

func newLimits(options ...throttle.Option) limits {
	return limits{
		clientFailures: throttle.New(time.Second, 20, options...),
		password:       throttle.New(time.Second, 60, options...),
		address:        throttle.New(2*time.Second, 30, options...),
		client:         throttle.New(20*time.Millisecond, 500, options...),
	}
}

// New makes the function.
func New() *Function {
	return &Function{
		log: slog.New(slog.DiscardHandler), metrics: prometheus.NewRegistry(), limits: newLimits(),
		counts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "introspections_total", Help: "Answered introspection requests by kind of credential and result.",
		}, []string{"credential", "result"}),
	}
}

// Instrument tells the function where to report; it must be called before Start, if at all.
func (f *Function) Instrument(with function.Instruments) { f.log, f.metrics = with.Log, with.Metrics }

// Start reads the settings and brings the accounts database up to date. The identity provider may start later.
func (f *Function) Start(ctx context.Context, environ map[string]string) error {
	var s settings
	if err := config.Load(environ, &s); err != nil {
		return err
	}
	key, err := s.sealKey()
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
	f.base, f.clients, f.key = s.BaseURL, s.Clients, s.PlatformKey
	f.provider = introspection.NewProvider(s.Issuer.String(), s.ClientID, s.ClientSecret, outbound.Client(providerTimeout))
	f.metrics.MustRegister(f.counts, store.PoolCollector(f.pool, "accounts"))
	f.handler = f.routes()
	return nil
}

func (f *Function) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+metadataPath, f.metadata)
	mux.HandleFunc("POST "+introspectPath, f.introspect)
	if f.key != "" {
		mux.HandleFunc("GET "+metadataPath+bouncer.ScopePattern, f.metadata)
		mux.HandleFunc("POST "+bouncer.ScopePattern+introspectPath, f.introspect)
	}
	return telemetry.RecordRoute(mux)
}

// Handle answers one request.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }

// Ready reports whether requests can be answered now: the database has to be there.
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
