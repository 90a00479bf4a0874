// Package introspection asks the identity provider whether one of its access tokens still works, and whose it is
// (RFC 7662).
//
// It does not know accounts, and answers nobody's introspection requests itself.
package introspection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// maxAnswer bounds what is read of an answer. Keycloak's, with every role a user has, takes a few KB.
const maxAnswer = 256 << 10

// Token is what the identity provider says of an access token. The rest is set only where Active is true.
type Token struct {
	Active  bool
	Subject string
	Expires time.Time // zero where the provider does not say

	// Authenticated is when its owner last showed who they are; zero where the provider does not say.
	Authenticated time.Time
}

// Provider is the identity provider, as one of its clients that may introspect sees it. It is safe for concurrent use.
type Provider struct {
	issuer   string
	clientID string
	secret   config.Secret
	client   *http.Client

	turn  chan struct{} // holds one token; whoever has it may read and set found
	found endpoints
	keys  keyring
}

// endpoints are what of the provider's discovery document is of use here.
type endpoints struct {
	Introspection string `json:"introspection_endpoint"`
	Keys          string `json:"jwks_uri"`
}

// NewProvider makes a client of the provider called issuer. It connects to nobody yet: the provider may start later
// than we do. The HTTP client has to bound its calls in time.
func NewProvider(issuer, clientID string, secret config.Secret, client *http.Client) *Provider {
	p := &Provider{issuer: issuer, clientID: clientID, secret: secret, client: client, turn: make(chan struct{}, 1)}
	p.keys.turn = make(chan struct{}, 1)
	p.turn <- struct{}{}
	p.keys.turn <- struct{}{}
	return p
}

// Introspect asks after token. Everything but a clear answer is Unavailable: a provider that is away must never look
// like one that refuses.
func (p *Provider) Introspect(ctx context.Context, token string) (Token, error) {
	answer, err := p.ask(ctx, token)
	if err != nil {
		return Token{}, fault.Wrap(err, fault.Unavailable, "The sign-in service is away for a moment. Please try again shortly.")
	}
	return answer.token(p.issuer), nil
}

func (p *Provider) ask(ctx context.Context, token string) (answer, error) {
	at, err := p.discover(ctx)
	if err != nil {
		return answer{}, err
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.Introspection, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, fmt.Errorf("introspect: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	// RFC 6749 section 2.3.1: both are form-encoded first.
	request.SetBasicAuth(url.QueryEscape(p.clientID), url.QueryEscape(p.secret.Reveal()))
	response, err := p.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("introspect: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("introspect: the identity provider answers %s", response.Status)
	}
	var a answer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("introspect: read answer: %w", err)
	}
	if a.Active == nil {
		return answer{}, errors.New("introspect: the answer does not say whether the token is active")
	}
	return a, nil
}

// discover finds the endpoints at the first call that succeeds. Concurrent callers wait for one look-up instead of
// making their own.
func (p *Provider) discover(ctx context.Context) (endpoints, error) {
	select {
	case <-p.turn:
		defer func() { p.turn <- struct{}{} }()
	case <-ctx.Done():
		return endpoints{}, fmt.Errorf("discover identity provider: %w", ctx.Err())
	}
	if p.found.Introspection != "" {
		return p.found, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.issuer)
	if err != nil {
		return endpoints{}, fmt.Errorf("discover identity provider: %w", err)
	}
	var found endpoints
	if err := provider.Claims(&found); err != nil {
		return endpoints{}, fmt.Errorf("discover identity provider: %w", err)
	}
	if found.Introspection == "" {
		return endpoints{}, fmt.Errorf("the identity provider %s offers no introspection", p.issuer)
	}
	p.found = found
	return found, nil
}

// answer is RFC 7662 section 2.2, with Keycloak's typ.
type answer struct {
	Active       *bool           `json:"active"` // required; nil is no answer
	Subject      string          `json:"sub"`
	Issuer       string          `json:"iss"`
	Expires      float64         `json:"exp"` // JSON has no integers; some providers send 1.7e9
	Type         string          `json:"typ"`
	Confirmation json.RawMessage `json:"cnf"`

	Authenticated float64 `json:"auth_time"` // OpenID Connect's claim, which providers put into access tokens as well
}

// token refuses what is active but not for us to accept: a token without a user, of another issuer, that is no
// access token (Keycloak calls refresh tokens "Refresh" and ID tokens "ID"), or one that only the holder of a key may
// use (RFC 7800), which an IRC client cannot prove to be.
func (a answer) token(issuer string) Token {
	access := a.Type == "" || strings.EqualFold(a.Type, "Bearer") || strings.EqualFold(a.Type, "at+jwt")
	ours := a.Issuer == "" || a.Issuer == issuer
	bound := len(a.Confirmation) > 0 && string(a.Confirmation) != "null"
	if !*a.Active || a.Subject == "" || !access || !ours || bound {
		return Token{}
	}
	t := Token{Active: true, Subject: a.Subject}
	if a.Expires > 0 {
		t.Expires = time.Unix(int64(a.Expires), 0)
	}
	if a.Authenticated > 0 {
		t.Authenticated = time.Unix(int64(a.Authenticated), 0)
	}
	return t
}
