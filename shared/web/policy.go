package web

import (
	"maps"
	"net/http"
	"strings"
)

// Policy says what pages may do beyond talking to their own origin. An origin whose host is an IPv6 address is left out:
// a policy cannot name one (Content Security Policy Level 3, section 2.3.1), and browsers complain where it does. Whether a
// policy can is what [Nameable] says.
type Policy struct {
	FormAction []string // other origins that forms may post to, or be redirected to after posting
	Connect    []string // other origins that scripts may talk to
	HTTPS      bool     // the site is reached over TLS: browsers are told to insist on it
}

// Secure sets the headers that take from a page what it does not need: scripts and styles come from files
// of our own only, nobody frames it, it leaks no addresses. They are set before next runs, so that next may narrow them.
func Secure(next http.Handler, p Policy) http.Handler {
	constant := p.header()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), constant) // who adds to one of its lists gets a list of their own
		next.ServeHTTP(w, r)
	})
}

func (p Policy) header() http.Header {
	h := http.Header{}
	h.Set("Content-Security-Policy", p.contentSecurity())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if p.HTTPS {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	return h
}

func (p Policy) contentSecurity() string {
	directives := []string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"font-src 'self'",
		"img-src 'self'",
		"connect-src " + sources(p.Connect),
		"form-action " + sources(p.FormAction),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}
	if p.HTTPS {
		directives = append(directives, "upgrade-insecure-requests")
	}
	return strings.Join(directives, "; ")
}

func sources(more []string) string {
	list := []string{"'self'"}
	for _, source := range more {
		if Nameable(source) {
			list = append(list, source)
		}
	}
	return strings.Join(list, " ")
}

// Nameable reports whether a [Policy] can name the origin of address, and so whether a form may lead there at all.
func Nameable(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	return !strings.HasPrefix(rest, "[")
}
