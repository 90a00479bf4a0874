// Package auth signs people in by OpenID Connect and keeps their sessions.
//
// It is a relying party (authorization code with PKCE, OpenID Connect Core §3.1) over server-side sessions in
// PostgreSQL, so that signing out really ends them. It knows no users: what a verified identity means is for
// [Config.Admit] to say, and what a signed-in person may do is for the caller. Everything a browser or the identity
// provider sends is hostile until it is checked here.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/config"
)

// Handler is an HTTP handler that leaves its errors to the adapter around it (the same shape as web.Handler).
type Handler = func(http.ResponseWriter, *http.Request) error

// Paths under which the caller mounts [Auth.SignIn], [Auth.Callback] and [Auth.SignOut]. The callback's is
// registered at the identity provider.
const (
	SignInPath   = "/auth/sign-in"
	CallbackPath = "/auth/callback"
	SignOutPath  = "/auth/sign-out"
)

// How long things last. A session ends thirty days after sign-in whatever happens, and earlier when it is not used.
const (
	sessionLifetime = 30 * 24 * time.Hour
	sessionIdle     = 7 * 24 * time.Hour
	seenEvery       = time.Hour // a session's last use is written no more often, to spare the database a write per page
	flowLifetime    = 15 * time.Minute
)

// Identity is what the identity provider vouches for. Only Subject is stable; the rest is for show.
type Identity struct {
	Subject           string
	Email             string
	EmailVerified     bool
	PreferredUsername string
	Name              string

	// Authenticated is when the person last showed the provider who they are; zero where it does not say.
	Authenticated time.Time
}

// Config is what [New] needs; fields marked optional have a default.
type Config struct {
	Issuer       string // the identity provider's issuer URL
	ClientID     string
	ClientSecret config.Secret
	BaseURL      string // where people reach this site, without a trailing slash; https makes cookies Secure

	Pool *pgxpool.Pool // of a database with the sessions table (package account makes it)
	HTTP *http.Client  // for calls to the identity provider; must have a deadline

	// Admit turns a verified identity into the id of a user of ours. Its error refuses the sign-in and is shown as
	// any other error; [ErrSignInAgain] has the person show anew who they are.
	Admit func(context.Context, Identity) (userID string, err error)

	Log    *slog.Logger     // optional
	Now    func() time.Time // optional
	Scopes []string         // optional; openid, email and profile by default
}

// Auth is a site's sign-in. It is safe for concurrent use.
type Auth struct {
	config   Config
	sessions *scs.SessionManager
	store    *sessionStore
	flows    flows
	provider provider
}

// New checks config and makes the sign-in. It calls nobody: the identity provider is discovered at the first
// sign-in, so that a site starts, and serves what needs no sign-in, while the provider is away.
func New(config Config) (*Auth, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config.fill()
	flows, err := newFlows(config.ClientSecret, config.BaseURL)
	if err != nil {
		return nil, err
	}
	store := &sessionStore{pool: config.Pool}
	auth := &Auth{config: config, store: store, flows: flows, sessions: newManager(store, config.BaseURL)}
	auth.provider.config = &auth.config
	return auth, nil
}

func (c *Config) validate() error {
	var problems []error
	for name, value := range map[string]string{"issuer": c.Issuer, "base URL": c.BaseURL} {
		parsed, err := url.Parse(value)
		if err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
			problems = append(problems, fmt.Errorf("the %s must be an http or https URL, not %q", name, value))
		}
	}
	if c.ClientID == "" || c.ClientSecret == "" {
		problems = append(problems, errors.New("the client id and its secret are needed"))
	}
	if c.Pool == nil || c.HTTP == nil || c.Admit == nil {
		problems = append(problems, errors.New("a database pool, an HTTP client and Admit are needed"))
	}
	return errors.Join(problems...)
}

func (c *Config) fill() {
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "email", "profile"}
	}
}
