package identity

import (
	"context"
	"crypto/subtle"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// client is a Client as the library asks about it.
type client struct{ Client }

var _ op.Client = client{}

func (c client) GetID() string                    { return c.ID }
func (c client) RedirectURIs() []string           { return c.Redirects }
func (c client) PostLogoutRedirectURIs() []string { return c.PostLogout }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) AccessTokenType() op.AccessTokenType              { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration                   { return idTokenLifetime }
func (c client) DevMode() bool                                    { return false }
func (c client) ClockSkew() time.Duration                         { return 0 }
func (c client) IsScopeAllowed(string) bool                       { return false }
func (c client) LoginURL(request string) string                   { return signInPath + "?" + requestQuery(request) }
func (c client) RestrictAdditionalIdTokenScopes() scopeFilter     { return allScopes }
func (c client) RestrictAdditionalAccessTokenScopes() scopeFilter { return allScopes }

// IDTokenUserinfoClaimsAssertion puts the e-mail address into the ID token, as Keycloak does.
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}

func (c client) ApplicationType() op.ApplicationType {
	if c.Native {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c client) AuthMethod() oidc.AuthMethod {
	if c.Native {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

type scopeFilter = func([]string) []string

func allScopes(scopes []string) []string { return scopes }

// redirectsTo reports whether target is registered: letter for letter, except for the port of a native client's
// loopback address, which is the operating system's choice (RFC 8252 section 7.3). It is stricter than the library,
// which unescapes before it compares.
func (c client) redirectsTo(target string) bool {
	if slices.Contains(c.Redirects, target) {
		return true
	}
	if !c.Native {
		return false
	}
	parsed, err := url.Parse(target)
	if err != nil || !isLoopback(parsed) {
		return false
	}
	port := parsed.Port()
	parsed.Host = parsed.Host[:len(parsed.Host)-len(":"+port)]
	return port != "" && slices.Contains(c.Redirects, parsed.String())
}

func isLoopback(u *url.URL) bool {
	if u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Port() == "" {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || (err == nil && address.IsLoopback())
}

// client finds a registered client.
func (p *Provider) client(id string) (client, bool) {
	i := slices.IndexFunc(p.config.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return client{}, false
	}
	return client{p.config.Clients[i]}, true
}

// GetClientByClientID implements op.Storage.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	found, ok := s.client(id)
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription("There is no application with this client_id.")
	}
	return found, nil
}

// AuthorizeClientIDSecret implements op.Storage. A public client can never authenticate.
func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	found, ok := s.client(id)
	want := hashSecret(found.Secret.Reveal())
	same := subtle.ConstantTimeCompare(want, hashSecret(secret)) == 1
	if !ok || found.Secret == "" || !same {
		return oidc.ErrInvalidClient().WithDescription("client_id and client_secret do not match.")
	}
	return nil
}
