package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"irc.now/shared/fault"
)

// discoveryDeadline bounds the wait of whoever signs in first.
const discoveryDeadline = 5 * time.Second

// provider is the identity provider, discovered when it is first needed and again after a failure.
type provider struct {
	config *Config

	mu    sync.Mutex
	found *discovered
}

// discovered is what the provider says of itself (OpenID Connect Discovery 1.0).
type discovered struct {
	oidc        *oidc.Provider
	oauth       oauth2.Config
	verifier    *oidc.IDTokenVerifier
	endSession  string // "" where the provider has no RP-initiated logout
	canCreate   bool   // it takes prompt=create, and shows sign-up first
	namesItself bool   // it adds iss to its answers (RFC 9207)
}

// get discovers the provider or returns what was discovered before. Its error is a fault that can be shown.
func (p *provider) get(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	ctx, cancel := context.WithTimeout(p.client(ctx), discoveryDeadline)
	defer cancel()
	found, err := p.discover(ctx)
	if err != nil {
		return nil, providerAway(err)
	}
	p.found = found
	return found, nil
}

func (p *provider) discover(ctx context.Context) (*discovered, error) {
	op, err := oidc.NewProvider(ctx, p.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", p.config.Issuer, err)
	}
	var extra struct {
		EndSession    string   `json:"end_session_endpoint"`
		Prompts       []string `json:"prompt_values_supported"`
		IssuerInReply bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := op.Claims(&extra); err != nil {
		return nil, fmt.Errorf("read discovery of %s: %w", p.config.Issuer, err)
	}
	return &discovered{
		oidc: op,
		oauth: oauth2.Config{
			ClientID:     p.config.ClientID,
			ClientSecret: p.config.ClientSecret.Reveal(),
			Endpoint:     op.Endpoint(),
			RedirectURL:  p.config.BaseURL + CallbackPath,
			Scopes:       p.config.Scopes,
		},
		verifier:    op.Verifier(&oidc.Config{ClientID: p.config.ClientID, Now: p.config.Now}),
		endSession:  extra.EndSession,
		canCreate:   slices.Contains(extra.Prompts, "create"),
		namesItself: extra.IssuerInReply,
	}, nil
}

// client makes go-oidc and oauth2 use the configured HTTP client.
func (p *provider) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.config.HTTP)
}

func providerAway(err error) error {
	return fault.Wrap(err, fault.Unavailable,
		"The sign-in service does not answer at the moment. Please try again in a minute; your bouncer stays connected.")
}

// refusedOrAway tells an answer that says no from no answer at all. Some providers have one status for both.
func refusedOrAway(err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	away := ok && (answer.ErrorCode == "server_error" || answer.ErrorCode == "temporarily_unavailable")
	if ok && !away && answer.Response.StatusCode < http.StatusInternalServerError {
		return fault.Wrap(err, fault.Invalid, "The sign-in service did not accept this sign-in; it may have been used already. Please sign in again.")
	}
	return providerAway(err)
}
