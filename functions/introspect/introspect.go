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
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/function"
	"irc.now/shared/introspection"
	"irc.now/shared/key"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
	"irc.now/shared/telemetry"
)

const (
	answerTimeout   = 8 * time.Second // less than a client waits for its SASL exchange
	providerTimeout = 5 * time.Second
)

// Grants are what the function does in the accounts database: it notes when a password was used, and which tokens let somebody in.
var Grants = []store.Grant{
	{Table: "account", May: "SELECT"},
	{Table: "connection_password", May: "SELECT, UPDATE (last_used_at)"},
	{Table: "accepted_token", May: "SELECT (hash, account_id, expires_at, dead_at, used_at), INSERT, UPDATE (used_at)"},
}

// settings are the environment of the function.
type settings struct {
	BaseURL      config.URL      `env:"BASE_URL,required,notEmpty"` // of this function, as the bouncer reaches it; no path
	Database     config.Secret   `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Issuer       config.URL      `env:"OIDC_ISSUER,required,notEmpty"`
	ClientID     string          `env:"OIDC_CLIENT_ID,required,notEmpty"` // a client that may introspect
	ClientSecret config.Secret   `env:"OIDC_CLIENT_SECRET,required,notEmpty"`
	SealKey      account.SealKey `env:"TOKEN_SEAL_KEY,required,notEmpty"` // 32 bytes in base64

	// Who may ask: "name:secret,name:secret", and bouncers, whose secrets are derived from a key.
	Clients clients       `env:"INTROSPECT_CLIENTS"`
	Key     config.Secret `env:"INTROSPECT_KEY_FILE,file"` // the file with the key that client secrets of all bouncers are derived from
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	var problems []error
	if s.BaseURL.Parsed().Path != "" {
		problems = append(problems, errors.New("BASE_URL must not have a path"))
	}
	if len(s.Clients) == 0 && s.Key == "" {
		problems = append(problems, errors.New("INTROSPECT_CLIENTS is not set, and neither is INTROSPECT_KEY_FILE: nobody could ask"))
	}
	problems = append(problems, key.Check("INTROSPECT_KEY_FILE", s.Key))
	return errors.Join(problems...)
}

// Function answers introspection requests. Start makes it ready.
type Function struct {
	*store.Database

	log      *slog.Logger
	handler  http.Handler
	base     config.URL
	clients  clients
	key      config.Secret // of the bouncers' secrets; may be empty
	accounts *account.Store
	tokens   *account.Tokens
	provider *introspection.Provider
	counts   *prometheus.CounterVec
	limits   limits
}

// New makes the function.
func New() *Function {
	return &Function{
		Database: store.NewDatabase("accounts", account.Migrations), log: slog.New(slog.DiscardHandler), limits: newLimits(patience),
		counts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "introspections_total", Help: "Answered introspection requests by kind of credential and result.",
		}, []string{"credential", "result"}),
	}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	f.LogTo(with.Log)
	with.Metrics.MustRegister(f.counts, f.Collector())
}

// Start reads the settings and opens the accounts database. The identity provider may start later.
func (f *Function) Start(ctx context.Context, environ map[string]string) error {
	var s settings
	if err := config.Load(environ, &s); err != nil {
		return err
	}
	if err := f.Open(ctx, s.Database); err != nil {
		return err
	}
	f.accounts = account.NewStore(f.Pool)
	f.tokens = account.NewTokens(f.accounts, s.SealKey)
	f.base, f.clients, f.key = s.BaseURL, s.Clients, s.Key
	f.provider = introspection.NewProvider(s.Issuer.String(), s.ClientID, s.ClientSecret, outbound.Client(providerTimeout))
	f.handler = f.routes()
	return f.Wait(ctx)
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
