package introspect

import (
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"irc.now/shared/fault"
	"irc.now/shared/throttle"
)

const (
	maxBody  = 16 << 10
	maxToken = 8 << 10 // a JWT with many roles takes 2 to 4 KB
)

// credentials reads HTTP Basic credentials, whose parts OAuth clients form-encode first (RFC 6749 section 2.3.1), as
// soju does.
func credentials(r *http.Request) (name, secret string, ok bool) {
	name, secret, ok = r.BasicAuth()
	if !ok {
		return "", "", false
	}
	name, nameErr := url.QueryUnescape(name)
	secret, secretErr := url.QueryUnescape(secret)
	return name, secret, nameErr == nil && secretErr == nil
}

// parseToken takes the token out of a request's body (RFC 7662 section 2.1). What the token itself is made of may
// still be anything.
func parseToken(contentType, body string) (string, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return "", fault.New(fault.Invalid, "Send the token as application/x-www-form-urlencoded.")
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The body is not form-encoded.")
	}
	tokens := form["token"]
	if len(tokens) != 1 || tokens[0] == "" {
		return "", fault.New(fault.Invalid, "Send exactly one token.")
	}
	if len(tokens[0]) > maxToken {
		return "", fault.New(fault.Invalid, "The token is longer than %d bytes.", maxToken)
	}
	return tokens[0], nil
}

// minToken is what 128 random bits take in base64: RFC 6749 section 10.10 forbids tokens that are guessed more easily.
const minToken = 22

// isBearer reports whether token can be an access token at all: b64token of RFC 6750 section 2.1. What people type
// for a password by mistake hardly ever is, and then the identity provider never hears of it.
func isBearer(token string) bool {
	core := strings.TrimRight(token, "=")
	return len(core) >= minToken && !strings.ContainsFunc(core, notBearer)
}

func notBearer(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/", r)
}

// clientAddress is whom the asking bouncer says the token comes from; empty where it does not say, or where that is an
// address inside: a proxy's, which everybody behind it has. The bouncer has authenticated by now, so its word is taken,
// for rate limits only.
func clientAddress(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
	if first = strings.TrimSpace(first); first == "" || inside(first) {
		return ""
	}
	return throttle.AddressKey(first)
}

// carriers share this range among customers (RFC 6598), clusters among pods.
var carriers = netip.MustParsePrefix("100.64.0.0/10")

func inside(address string) bool {
	a, err := netip.ParseAddr(address)
	a = a.Unmap()
	return err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || carriers.Contains(a))
}
