package identity

import (
	"context"
	"errors"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// storage is the Provider as the library's op.Storage. Its methods sit beside what they are about.
type storage struct{ *Provider }

var (
	_ op.Storage                        = (*storage)(nil)
	_ op.CanSetUserinfoFromRequest      = (*storage)(nil)
	_ op.CanTerminateSessionFromRequest = (*storage)(nil)
)

// internal hides err from the client; the library would show its text otherwise. Errors that are meant for the client
// pass.
func internal(err error) error { return refusal(err) }

func refusal(err error) *oidc.Error {
	if shown, ok := errors.AsType[*oidc.Error](err); ok {
		return shown
	}
	err = store.Fault(err)
	refused := oidc.ErrServerError().WithDescription("Something went wrong on our side. Please try again.").WithParent(err)
	if fault.Is(err, fault.Unavailable) {
		refused.ErrorType, refused.Description = "temporarily_unavailable", fault.Sentence(err)
	}
	return refused
}

// errGone refuses a code or a token that was good once.
func errGone(description string) error {
	return oidc.ErrInvalidGrant().WithDescription("%s", description)
}

// errNoSuchToken says that an access token is unknown, expired or revoked.
var errNoSuchToken = errors.New("no such access token")

// Health implements op.Storage.
func (s *storage) Health(ctx context.Context) error { return s.pool.Ping(ctx) }

// SetUserinfoFromScopes implements op.Storage; it is deprecated in favour of SetUserinfoFromRequest.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills the ID token, with the session it belongs to: that is what ends at sign-out.
func (s *storage) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	switch r := request.(type) {
	case *authRequest:
		info.AppendClaims("sid", r.sessionID)
	case *refreshRequest:
		info.AppendClaims("sid", r.sessionID)
	}
	var email string
	err := s.pool.QueryRow(ctx, `SELECT email FROM users WHERE id = $1`, request.GetSubject()).Scan(&email)
	if errors.Is(err, pgx.ErrNoRows) {
		return errGone("The account has been deleted.")
	}
	if err != nil {
		return troubled(ctx, fmt.Errorf("find user: %w", err))
	}
	setUserinfo(info, request.GetSubject(), email, scopes)
	return nil
}

func setUserinfo(info *oidc.UserInfo, subject, email string, scopes []string) {
	info.Subject = subject
	for _, scope := range scopes {
		if scope == oidc.ScopeEmail {
			// Nothing sends mail on one machine, so no address has been verified.
			info.Email, info.EmailVerified = email, false
		}
	}
}

// SetUserinfoFromToken implements op.Storage.
func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	token, err := s.accessToken(ctx, tokenID, subject)
	if errors.Is(err, errNoSuchToken) {
		return err
	}
	if err != nil {
		return troubled(ctx, err)
	}
	setUserinfo(info, token.subject, token.email, token.scopes)
	return nil
}

// SetIntrospectionFromToken implements op.Storage; our own introspection handler is what answers.
func (s *storage) SetIntrospectionFromToken(ctx context.Context, answer *oidc.IntrospectionResponse, tokenID, subject, clientID string) error {
	token, err := s.accessToken(ctx, tokenID, subject)
	if err != nil {
		return internal(err)
	}
	if !s.mayIntrospect(clientID, token) {
		return errNoSuchToken
	}
	token.describe(answer, s.config.Issuer)
	return nil
}

// GetPrivateClaimsFromScopes implements op.Storage; only JWT access tokens have such claims, and there are none.
func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// GetKeyByIDAndClientID implements op.Storage; no client has a key.
func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, oidc.ErrInvalidClient().WithDescription("This application has no key here.")
}

// ValidateJWTProfileScopes implements op.Storage; that grant is not offered.
func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, oidc.ErrUnsupportedGrantType()
}
