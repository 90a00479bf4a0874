package identity

import (
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/design"
	"irc.now/shared/web"
)

//go:embed pages/*.html
var pages embed.FS

// Paths of the pages.
const (
	signInPath  = "/sign-in"
	signUpPath  = "/sign-up"
	signOutPath = "/sign-out"
	allowPath   = "/allow"
)

// maxForm bounds every posted form.
const maxForm = 16 << 10

// routes puts pages and protocol together. Only what is named here exists; the library's router would offer more.
func (p *Provider) routes() error {
	home := p.config.HomeURL
	set, err := design.New(design.Site{Name: "auth", Home: home}, pages, "pages")
	if err != nil {
		return fmt.Errorf("parse the identity provider's pages: %w", err)
	}
	p.pages, p.site = set, web.New(web.Config{Log: p.config.Log, Pages: set})
	mux := http.NewServeMux()
	mux.Handle("GET /static/", design.Static())
	p.pageRoutes(mux)
	p.protocolRoutes(mux)
	handler, err := p.site.CrossOrigin(p.site.Mux(mux))
	if err != nil {
		return fmt.Errorf("protect against requests of other sites: %w", err)
	}
	handler = web.Secure(handler, web.Policy{FormAction: p.origins(), HTTPS: p.config.secure()})
	p.handler = p.recovered(p.withIssuer(handler))
	return nil
}

func (p *Provider) pageRoutes(mux *http.ServeMux) {
	for pattern, handler := range map[string]web.Handler{
		"GET /{$}":            p.showHome,
		"GET " + signInPath:   p.showSignIn,
		"POST " + signInPath:  p.signIn,
		"GET " + signUpPath:   p.showSignUp,
		"POST " + signUpPath:  p.signUp,
		"GET " + allowPath:    p.showAllow,
		"POST " + allowPath:   p.allow,
		"GET " + signOutPath:  p.showSignOut,
		"POST " + signOutPath: p.signOut,
		"GET /authorize":      p.authorize,
		"POST /authorize":     p.authorize,
		"GET /end_session":    p.endSessionRequest,
		"POST /end_session":   p.endSessionRequest,
	} {
		mux.Handle(pattern, p.limited(p.site.Handle(handler)))
	}
}

func (p *Provider) protocolRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+oidc.DiscoveryEndpoint, p.discovery)
	mux.Handle("GET /keys", p.op)
	mux.HandleFunc("GET /userinfo", p.exchange)
	mux.Handle("POST /oauth/token", p.limited(http.HandlerFunc(p.token)))
	mux.Handle("POST /oauth/introspect", p.limited(http.HandlerFunc(p.introspect)))
	mux.Handle("POST /revoke", p.limited(http.HandlerFunc(p.exchange)))
}

// limited bounds the body, which the library reads without a limit.
func (p *Provider) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// withIssuer tells the library who we are; the request's Host header never does.
func (p *Provider) withIssuer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(op.ContextWithIssuer(r.Context(), p.config.Issuer)))
	})
}

// recovered turns a panic, the library's included, into an error page.
func (p *Provider) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				p.config.Log.ErrorContext(r.Context(), "panic", slog.Any("error", cause), slog.String("stack", string(debug.Stack())))
				p.site.Fail(w, r, fmt.Errorf("panic: %v", cause))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// origins are where a form's answer may lead the browser: back to an application. Browsers check the whole chain of
// redirects that follows a form.
func (p *Provider) origins() []string {
	var origins []string
	for _, c := range p.config.Clients {
		for _, target := range c.Redirects {
			u, err := url.Parse(target)
			if err != nil || u.Host == "" {
				continue
			}
			origin := u.Scheme + "://" + u.Host
			if c.Native {
				origin += ":*"
			}
			origins = append(origins, origin)
		}
	}
	return origins
}
