package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"irc.now/shared/fault"
	"irc.now/shared/throttle"
)

// maxFlows is how many sign-ins one browser may have begun at the same time, in as many tabs.
const maxFlows = 5

// flow is a sign-in that was begun and has not come back yet.
type flow struct {
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Return   string    `json:"return"`
	Started  time.Time `json:"started"`
}

// SignIn sends the visitor to the identity provider, and back to the local path in the query's "return" afterwards.
// With a query "new" it asks for the provider's sign-up page, where the provider knows how (prompt=create).
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request) error {
	target := LocalPath(r.URL.Query().Get("return"))
	if a.UserID(r.Context()) != "" {
		redirect(w, r, target)
		return nil
	}
	if !a.config.Starts.Allow(throttle.AddressKey(a.config.ClientIP(r))) {
		return fault.New(fault.RateLimited, "Too many sign-ins were started from your address. Please wait a minute and try again.")
	}
	op, err := a.provider.get(r.Context())
	if err != nil {
		return err
	}
	begun := flow{Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Return: target, Started: a.config.Now()}
	state := rand.Text()
	if err := a.keepFlow(r.Context(), state, begun); err != nil {
		return err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)}
	if op.canCreate && r.URL.Query().Has("new") {
		options = append(options, oauth2.SetAuthURLParam("prompt", "create"))
	}
	redirect(w, r, op.oauth.AuthCodeURL(state, options...))
	return nil
}

// Callback takes the identity provider's answer, verifies it, has the identity admitted and begins a session under
// a new token. Every state works once, whatever the outcome.
func (a *Auth) Callback(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	answer := r.URL.Query()
	begun, known := a.takeFlow(ctx, answer.Get("state"))
	if !known {
		return fault.New(fault.Invalid, "This sign-in has run out, was finished already or was begun in another browser. Please sign in again.")
	}
	op, err := a.provider.get(ctx)
	if err != nil {
		return err
	}
	if err := a.checkAnswer(op, answer); err != nil {
		return err
	}
	identity, idToken, err := a.redeem(ctx, op, begun, answer.Get("code"))
	if err != nil {
		return err
	}
	userID, err := a.config.Admit(ctx, identity)
	if err != nil {
		return err
	}
	if err := a.begin(ctx, userID, identity, idToken); err != nil {
		return err
	}
	redirect(w, r, begun.Return)
	return nil
}

// checkAnswer turns an error answer (RFC 6749 §4.1.2.1) into a sentence. Its free text is not shown: anybody can
// write it into the address.
func (a *Auth) checkAnswer(op *discovered, answer url.Values) error {
	issuer := answer.Get("iss")
	if issuer != "" && issuer != a.config.Issuer || issuer == "" && op.namesItself {
		return fault.New(fault.Invalid, "This answer did not come from our sign-in service. Please sign in again.")
	}
	switch code := answer.Get("error"); code {
	case "":
		return nil
	case "access_denied":
		return fault.New(fault.Forbidden, "You did not finish signing in, so nothing has changed. Sign in again when you are ready.")
	case "server_error", "temporarily_unavailable":
		return providerAway(errors.New("the provider answered " + code))
	default:
		return fault.Wrap(fmt.Errorf("the provider answered %.64q", code), fault.Invalid,
			"The sign-in service refused this sign-in. Please try once more; if it happens again, tell us.")
	}
}

// redeem exchanges the code and verifies the ID token (OpenID Connect Core §3.1.3.7) and its nonce.
func (a *Auth) redeem(ctx context.Context, op *discovered, begun flow, code string) (Identity, string, error) {
	ctx = a.provider.client(ctx)
	token, err := op.oauth.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		return Identity{}, "", refusedOrAway(fmt.Errorf("exchange code: %w", err))
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := op.verifier.Verify(ctx, raw)
	if err != nil {
		return Identity{}, "", unverified(fmt.Errorf("verify ID token: %w", err))
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(begun.Nonce)) != 1 {
		return Identity{}, "", unverified(errors.New("the ID token's nonce is not ours"))
	}
	if verified.AccessTokenHash != "" {
		if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
			return Identity{}, "", unverified(fmt.Errorf("verify access token: %w", err))
		}
	}
	identity, err := a.identityOf(ctx, op, verified, token)
	return identity, raw, err
}

type claims struct {
	Email             string `json:"email"`
	EmailVerified     any    `json:"email_verified"` // some providers say "true" in quotes
	PreferredUsername string `json:"preferred_username"`
	Name              string `json:"name"`
}

// identityOf reads the claims from the ID token or, where it carries no e-mail address, from the UserInfo endpoint.
func (a *Auth) identityOf(ctx context.Context, op *discovered, verified *oidc.IDToken, token *oauth2.Token) (Identity, error) {
	var said claims
	if err := verified.Claims(&said); err != nil {
		return Identity{}, unverified(fmt.Errorf("read claims: %w", err))
	}
	if said.Email == "" && op.oidc.UserInfoEndpoint() != "" {
		info, err := op.oidc.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return Identity{}, providerAway(fmt.Errorf("ask for user info: %w", err))
		}
		if info.Subject != verified.Subject {
			return Identity{}, unverified(errors.New("the user info is about somebody else"))
		}
		if err := info.Claims(&said); err != nil {
			return Identity{}, unverified(fmt.Errorf("read user info: %w", err))
		}
	}
	return Identity{
		Subject:           verified.Subject,
		Email:             said.Email,
		EmailVerified:     said.EmailVerified == true || said.EmailVerified == "true",
		PreferredUsername: said.PreferredUsername,
		Name:              said.Name,
	}, nil
}

// begin turns the visitor's session into the user's, under a new token so that a token planted before is worthless.
func (a *Auth) begin(ctx context.Context, userID string, identity Identity, idToken string) error {
	a.clear(ctx)
	if err := a.sessions.RenewToken(ctx); err != nil {
		return sessionFault(err)
	}
	for key, value := range map[string]string{
		keyUser: userID, keyIDToken: idToken, keySeen: a.config.Now().UTC().Format(time.RFC3339),
		keyEmail: identity.Email, keyUsername: identity.PreferredUsername, keyName: identity.Name,
	} {
		a.sessions.Put(ctx, key, value)
	}
	if err := a.store.sweep(ctx); err != nil {
		a.config.Log.WarnContext(ctx, "expired sessions were not removed", "error", err)
	}
	return nil
}

// keepFlow stores a sign-in under its state and forgets the oldest where there are too many.
func (a *Auth) keepFlow(ctx context.Context, state string, begun flow) error {
	type aged struct {
		key     string
		started time.Time
	}
	var others []aged
	for _, key := range a.sessions.Keys(ctx) {
		if strings.HasPrefix(key, flowPrefix) {
			var other flow
			_ = json.Unmarshal([]byte(a.sessions.GetString(ctx, key)), &other) // unreadable counts as oldest
			others = append(others, aged{key, other.Started})
		}
	}
	slices.SortFunc(others, func(x, y aged) int { return x.started.Compare(y.started) })
	for len(others) >= maxFlows {
		a.sessions.Remove(ctx, others[0].key)
		others = others[1:]
	}
	text, err := json.Marshal(begun)
	if err != nil {
		return fmt.Errorf("keep sign-in: %w", err)
	}
	a.sessions.Put(ctx, flowPrefix+state, string(text))
	// A visitor's session holds nothing but this and need not live longer.
	a.sessions.SetDeadline(ctx, time.Now().Add(2*flowLifetime))
	return nil
}

// takeFlow finds and forgets the sign-in that was begun under state in this session.
func (a *Auth) takeFlow(ctx context.Context, state string) (flow, bool) {
	text := a.sessions.PopString(ctx, flowPrefix+state)
	var begun flow
	if state == "" || text == "" || json.Unmarshal([]byte(text), &begun) != nil {
		return flow{}, false
	}
	return begun, a.config.Now().Sub(begun.Started) < flowLifetime
}

func unverified(err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return providerAway(err)
	}
	return fault.Wrap(err, fault.Invalid, "The sign-in service's answer could not be verified, so you are not signed in. Please sign in again.")
}
