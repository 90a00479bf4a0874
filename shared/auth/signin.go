package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"irc.now/shared/fault"
)

// SignIn sends the visitor to the identity provider, and back to the local path in the query's "return" afterwards.
// With a query "new" it asks for the provider's sign-up page, where the provider knows how (prompt=create).
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request) error {
	target := LocalPath(r.URL.Query().Get("return"))
	if a.UserID(r.Context()) != "" {
		redirect(w, r, target)
		return nil
	}
	op, err := a.provider.get(r.Context())
	if err != nil {
		return err
	}
	var options []oauth2.AuthCodeOption
	if op.canCreate && r.URL.Query().Has("new") {
		options = append(options, oauth2.SetAuthURLParam("prompt", "create"))
	}
	return a.send(w, r, op, flow{Return: target}, options...)
}

// send begins a sign-in and sends the visitor to the identity provider. A maximum age is asked for so that the ID token
// says when its owner showed who they are (OpenID Connect Core §2, auth_time).
func (a *Auth) send(w http.ResponseWriter, r *http.Request, op *discovered, begun flow, options ...oauth2.AuthCodeOption) error {
	begun.Nonce, begun.Verifier, begun.Started = rand.Text(), oauth2.GenerateVerifier(), a.config.Now()
	state := rand.Text()
	if err := a.flows.keep(w, r, state, begun); err != nil {
		return err
	}
	options = append(options, oidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier),
		oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(sessionLifetime.Seconds()))))
	redirect(w, r, op.oauth.AuthCodeURL(state, options...))
	return nil
}

// ErrSignInAgain is what [Config.Admit] says of an identity that was shown too long ago, such as before its owner signed
// out everywhere. The visitor then has to show it anew, even where the identity provider knows them.
var ErrSignInAgain = errors.New("auth: the identity was shown too long ago")

// Callback takes the identity provider's answer, verifies it, has the identity admitted and begins a session under
// a new token. Every state works once, whatever the outcome.
func (a *Auth) Callback(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	answer := r.URL.Query()
	begun, known := a.flows.take(w, r, answer.Get("state"), a.config.Now())
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
	if errors.Is(err, ErrSignInAgain) {
		return a.again(w, r, op, begun, err)
	}
	if err != nil {
		return err
	}
	if err := a.begin(ctx, userID, identity, idToken); err != nil {
		return err
	}
	redirect(w, r, begun.Return)
	return nil
}

// again has the identity provider ask who somebody is, once: it may not do as it is told.
func (a *Auth) again(w http.ResponseWriter, r *http.Request, op *discovered, begun flow, cause error) error {
	if begun.Again {
		return unverified(fmt.Errorf("the provider was told to ask and did not: %w", cause))
	}
	return a.send(w, r, op, flow{Return: begun.Return, Again: true}, oauth2.SetAuthURLParam("prompt", "login"))
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
	// The claim is in whole seconds: what the provider was told to ask for may bear the second in which it was told.
	if started := begun.Started; begun.Again && identity.Authenticated.Before(started) && !identity.Authenticated.Before(started.Truncate(time.Second)) {
		identity.Authenticated = started
	}
	return identity, raw, err
}

type claims struct {
	Email             string `json:"email"`
	EmailVerified     any    `json:"email_verified"` // some providers say "true" in quotes
	PreferredUsername string `json:"preferred_username"`
	Name              string `json:"name"`

	Authenticated float64 `json:"auth_time"` // seconds; JSON has no integers
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
	identity := Identity{
		Subject:           verified.Subject,
		Email:             said.Email,
		EmailVerified:     said.EmailVerified == true || said.EmailVerified == "true",
		PreferredUsername: said.PreferredUsername,
		Name:              said.Name,
	}
	if said.Authenticated > 0 {
		identity.Authenticated = time.Unix(int64(said.Authenticated), 0)
	}
	return identity, nil
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
		keyAuthenticated: identity.Authenticated.UTC().Format(time.RFC3339Nano),
	} {
		a.sessions.Put(ctx, key, value)
	}
	if err := a.store.sweep(ctx); err != nil {
		a.config.Log.WarnContext(ctx, "expired sessions were not removed", "error", err)
	}
	return nil
}

func unverified(err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return providerAway(err)
	}
	return fault.Wrap(err, fault.Invalid, "The sign-in service's answer could not be verified, so you are not signed in. Please sign in again.")
}
