package identity

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/background"
	"irc.now/shared/design"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
	"irc.now/shared/web"
)

//go:embed migrations/*.sql
var files embed.FS

// migrations bring the tables of users, sign-ins and tokens.
var migrations = store.Set{Name: "identity", Files: files, Table: store.FirstTable}

// startTimeout bounds what New does with the database.
const startTimeout = time.Minute

// Provider is the identity provider: an http.Handler for the whole of its host. It is safe for concurrent use.
type Provider struct {
	config  Config
	now     func() time.Time
	pool    *pgxpool.Pool
	seal    seal
	hasher  *hasher
	op      *op.Provider
	pages   *design.Set
	site    *web.Site
	handler http.Handler
	keys    atomic.Pointer[[]signingKey]

	tries tries

	tasks background.Group
}

// New migrates the database, reads or makes the signing keys and starts the sweeper, which [Provider.Close] stops. ctx
// bounds the start alone.
func New(ctx context.Context, c Config) (*Provider, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	p := &Provider{config: c, now: c.Now}
	if p.now == nil {
		p.now = time.Now
	}
	p.tries = newTries(p.now)
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := p.open(starting); err != nil {
		if p.pool != nil {
			p.pool.Close()
		}
		return nil, err
	}
	p.tasks.Go(func(ctx, _ context.Context) { p.sweep(ctx) })
	return p, nil
}

// open makes everything a Provider consists of.
func (p *Provider) open(ctx context.Context) (err error) {
	if err := migrate.Up(ctx, p.config.DatabaseURL.Reveal(), migrations); err != nil {
		return fmt.Errorf("migrate the identity database: %w", err)
	}
	if p.pool, err = store.Open(context.WithoutCancel(ctx), p.config.DatabaseURL.Reveal()); err != nil {
		return fmt.Errorf("open the identity database: %w", err)
	}
	if p.seal, err = newSeal(p.config.Key); err != nil {
		return err
	}
	if p.hasher, err = newHasher(ctx); err != nil {
		return err
	}
	if err := p.rotateKeys(ctx); err != nil {
		return err
	}
	if p.op, err = p.protocol(); err != nil {
		return fmt.Errorf("set up OpenID Connect: %w", err)
	}
	return p.routes()
}

// protocol sets up the library. Its router is not used: routes names each endpoint that is offered.
func (p *Provider) protocol() (*op.Provider, error) {
	options := []op.Option{
		op.WithCrypto(p.seal), op.WithLogger(p.config.Log), op.WithCORSOptions(nil),
	}
	if !p.config.secure() {
		options = append(options, op.WithAllowInsecure())
	}
	return op.NewProvider(&op.Config{
		DefaultLogoutRedirectURI: p.config.Issuer + "/",
		CodeMethodS256:           true,
		GrantTypeRefreshToken:    true,
		SupportedScopes:          []string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeOfflineAccess},
		SupportedClaims:          []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "amr", "azp", "at_hash", "c_hash", "sid", "email", "email_verified"},
	}, &storage{p}, op.StaticIssuer(p.config.Issuer), options...)
}

// ServeHTTP serves the pages and the protocol.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Close stops the sweeper and closes the database pool.
func (p *Provider) Close() {
	_ = p.tasks.Stop(context.Background()) // whose patience has no end
	p.pool.Close()
}
