package identity

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"irc.now/shared/store"
)

// The cookies, as they are called over plain HTTP; over TLS each has the __Host- prefix.
const (
	sessionCookie = "identity-session"
	browserCookie = "identity-browser" // marks the browser that began an authorization request
	knownCookie   = "identity-known"   // marks a browser that somebody has signed in with before
)

func (p *Provider) cookieName(name string) string {
	if p.config.secure() {
		return "__Host-" + name
	}
	return name
}

func (p *Provider) setCookie(w http.ResponseWriter, name, value string, lifetime time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // Secure whenever the issuer is https; one machine has no TLS
		Name: p.cookieName(name), Value: value, Path: "/", HttpOnly: true,
		// Lax, not Strict: people arrive here by a link from the application they sign in to.
		Secure: p.config.secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(lifetime.Seconds()),
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// cookie reads one of ours; values of an impossible length are nobody's.
func (p *Provider) cookie(r *http.Request, name string) (string, bool) {
	cookie, err := r.Cookie(p.cookieName(name))
	if err != nil || cookie.Value == "" || len(cookie.Value) > 64 {
		return "", false
	}
	return cookie.Value, true
}

// browserLifetime is longer than anybody takes to sign in.
const browserLifetime = 24 * time.Hour

type (
	browserKey struct{}
	sessionKey struct{}
)

// browser marks the browser that asks and returns the request with that mark in its context, where createAuthRequest
// finds it.
func (p *Provider) browser(w http.ResponseWriter, r *http.Request) *http.Request {
	mark, ok := p.cookie(r, browserCookie)
	if !ok {
		mark = newSecret()
		p.setCookie(w, browserCookie, mark, browserLifetime)
	}
	ctx := context.WithValue(r.Context(), browserKey{}, hashSecret(mark))
	if secret, ok := p.cookie(r, sessionCookie); ok {
		ctx = context.WithValue(ctx, sessionKey{}, hashSecret(secret))
	}
	return r.WithContext(ctx)
}

// renewBrowser marks the browser anew: whoever planted the mark that it had knows nothing of it any more. The requests
// that it began go with it, those of other tabs as well. One that is finished right now stays: its form may come twice.
func (p *Provider) renewBrowser(w http.ResponseWriter, r *http.Request, finished string) error {
	mark := newSecret()
	_, err := p.pool.Exec(r.Context(), `UPDATE auth_requests SET browser_hash = $2
		WHERE browser_hash = $1 AND used_at IS NULL AND id <> $3`, browserHash(r.Context()), hashSecret(mark), finished)
	if err != nil {
		return store.Fault(fmt.Errorf("mark browser anew: %w", err))
	}
	p.setCookie(w, browserCookie, mark, browserLifetime)
	return nil
}

// browserHash is nil where the request came from no marked browser.
func browserHash(ctx context.Context) []byte {
	hash, _ := ctx.Value(browserKey{}).([]byte)
	return hash
}

// sessionHash is nil where the browser has no session.
func sessionHash(ctx context.Context) []byte {
	hash, _ := ctx.Value(sessionKey{}).([]byte)
	return hash
}
