package bouncer

import (
	"fmt"
	"net/http"
	"net/url"

	"irc.now/shared/config"
)

// A dedicated bouncer asks functions/introspect at an address of its own, at which nobody but its owner is known, and
// under a name of its own. This is how the addresses and names are spelled.
const (
	scopePrefix  = "/for/"
	clientPrefix = "bouncer-"

	// ScopePattern is what an address of a scope begins with, for [http.ServeMux].
	ScopePattern = scopePrefix + "{owner}"
)

// ScopeOf is the owner in the path of a request that ScopePattern matched; "" outside of scopes.
func ScopeOf(r *http.Request) (owner string) { return r.PathValue("owner") }

// ScopePath is what the path of an address begins with in the scope of owner, escaped; "" where owner is "", for
// everybody.
func ScopePath(owner string) string {
	if owner == "" {
		return ""
	}
	return scopePrefix + url.PathEscape(owner)
}

// IntrospectClient is the name under which the dedicated bouncer of owner asks functions/introspect, or where owner is ""
// the shared one.
func IntrospectClient(owner string) string {
	if owner == "" {
		return Shared
	}
	return clientPrefix + owner
}

// IntrospectURL is where the dedicated bouncer of owner, or where owner is "" the shared one, asks functions/introspect,
// which is at base, whether somebody may sign in. It holds the bouncer's name and secret, as Config.OAuthURL does.
func IntrospectURL(base string, key config.Secret, owner string) (config.Secret, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("read introspection's address: %w", err)
	}
	subject := Shared
	if owner != "" {
		u, subject = u.JoinPath(ScopePath(owner)), owner
	}
	u.User = url.UserPassword(IntrospectClient(owner), IntrospectSecret(key, subject).Reveal())
	return config.Secret(u.String()), nil
}
