package introspect

import (
	"context"
	"strings"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/introspection"
)

// unknownLife is how long a token is watched whose end the identity provider does not tell.
const unknownLife = 30 * 24 * time.Hour

// question is one token that a client asks about.
type question struct {
	token   string
	address string // whom the token comes from, as the client says; may be empty
	of      owner  // the only user there is to this client
}

// answer is RFC 7662 section 2.2. An inactive one has nothing but that: it must not tell why.
type answer struct {
	Active   bool   `json:"active"`
	Username string `json:"username,omitempty"` // the handle: soju's user name
	Subject  string `json:"sub,omitempty"`      // the account's id
	Issuer   string `json:"iss,omitempty"`
	Expires  int64  `json:"exp,omitempty"`
}

// lookUp finds out whose token it is. Errors mean that it could not be found out.
func (f *Function) lookUp(ctx context.Context, q question) (answer, error) {
	credential, look := "access_token", f.accessToken
	if strings.HasPrefix(q.token, "irc_") {
		credential, look = "password", f.password
	}
	a, err := look(ctx, q)
	f.counts.WithLabelValues(credential, resultOf(a, err)).Inc()
	return a, err
}

func resultOf(a answer, err error) string {
	switch {
	case fault.Is(err, fault.RateLimited):
		return "limited"
	case err != nil:
		return "failed"
	case a.Active:
		return "active"
	}
	return "inactive"
}

func (f *Function) password(ctx context.Context, q question) (answer, error) {
	id, ok := account.PasswordID(q.token)
	if !ok {
		return answer{}, nil
	}
	user, err := f.accounts.VerifyPassword(ctx, q.token)
	if fault.Is(err, fault.Unauthenticated) {
		return answer{}, nil
	}
	if err != nil {
		return answer{}, err
	}
	// Wrong ones are not counted: whoever knew an id could keep its owner out.
	if err := f.limits.awaitUser(ctx, id, q); err != nil {
		return answer{}, err
	}
	if !q.of.may(user) {
		return answer{}, nil
	}
	return f.active(user, time.Time{}), nil
}

func (f *Function) accessToken(ctx context.Context, q question) (answer, error) {
	if !isBearer(q.token) {
		return answer{}, nil
	}
	token, err := f.ask(ctx, q)
	if err != nil || !token.Active {
		return answer{}, err
	}
	user, err := f.accounts.BySubject(ctx, token.Subject)
	if fault.Is(err, fault.NotFound) {
		return answer{}, nil // has an identity, but never signed in to the portal
	}
	if err != nil || user.Handle == "" || !q.of.may(user) || user.SignedOutSince(token.Authenticated) {
		return answer{}, err
	}
	accepted, err := f.accept(ctx, user, q.token, token)
	if err != nil || !accepted {
		return answer{}, err
	}
	return f.active(user, token.Expires), nil
}

// accept records a token before it lets anybody in: a connection that nobody watches could not be closed later.
func (f *Function) accept(ctx context.Context, user account.User, text string, token introspection.Token) (bool, error) {
	watchUntil := token.Expires
	if watchUntil.IsZero() {
		watchUntil = time.Now().Add(unknownLife)
	}
	first, err := f.tokens.Record(ctx, user.ID, text, watchUntil)
	if err != nil || !first {
		return err == nil, err
	}
	// Who signs out everywhere meanwhile may not have found the token yet.
	user, err = f.accounts.ByID(ctx, user.ID)
	return err == nil && !user.SignedOutSince(token.Authenticated), err
}

// ask asks the identity provider about an access token: at once where the provider signed it or it let somebody in
// before, and in a queue with everybody else's guesses where nothing is known of it.
func (f *Function) ask(ctx context.Context, q question) (token introspection.Token, err error) {
	proof, whose := f.provider.Prove(ctx, q.token)
	switch proof {
	case introspection.Void:
		return introspection.Token{}, nil
	case introspection.Signed:
	case introspection.Unproven:
		if whose, err = f.tokens.Known(ctx, q.token); err != nil {
			return introspection.Token{}, err
		}
	}
	if whose == "" {
		err = f.limits.asStranger(ctx, q, func(ctx context.Context) (bool, error) {
			token, err = f.provider.Introspect(ctx, q.token)
			return token.Active, err
		})
		return token, err
	}
	if err := f.limits.awaitUser(ctx, whose, q); err != nil {
		return introspection.Token{}, err
	}
	return f.provider.Introspect(ctx, q.token)
}

// active is the answer for a user, who can have a bouncer only with a handle.
func (f *Function) active(user account.User, expires time.Time) answer {
	if user.Handle == "" {
		return answer{}
	}
	a := answer{Active: true, Username: string(user.Handle), Subject: user.ID, Issuer: f.base.String()}
	if !expires.IsZero() {
		a.Expires = expires.Unix()
	}
	return a
}

func tooMany() error { return fault.New(fault.RateLimited, "Too many tries. Wait a moment.") }
