package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/store"
)

// refreshRequest asks for new tokens of an old grant. It implements op.RefreshTokenRequest.
type refreshRequest struct {
	grantID   string
	sessionID string
	clientID  string
	scopes    []string
	userID    string
	authTime  time.Time
}

var _ op.RefreshTokenRequest = (*refreshRequest)(nil)

func (r *refreshRequest) GetAMR() []string                 { return []string{"pwd"} }
func (r *refreshRequest) GetAudience() []string            { return []string{r.clientID} }
func (r *refreshRequest) GetAuthTime() time.Time           { return r.authTime }
func (r *refreshRequest) GetClientID() string              { return r.clientID }
func (r *refreshRequest) GetScopes() []string              { return r.scopes }
func (r *refreshRequest) GetSubject() string               { return r.userID }
func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }

// CreateAccessToken implements op.Storage.
func (s *storage) CreateAccessToken(ctx context.Context, request op.TokenRequest) (string, time.Time, error) {
	id, _, expires, err := s.createTokens(ctx, request, "", false)
	return id, expires, err
}

// CreateAccessAndRefreshTokens implements op.Storage.
func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, refresh string) (string, string, time.Time, error) {
	return s.createTokens(ctx, request, refresh, true)
}

// createTokens uses up a code or a refresh token and makes new tokens, in one transaction.
func (s *storage) createTokens(ctx context.Context, request op.TokenRequest, oldRefresh string, withRefresh bool) (id, refresh string, expires time.Time, err error) {
	err = store.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		grant, err := s.grantFor(ctx, tx, request, oldRefresh)
		if err != nil {
			return err
		}
		if id, expires, err = s.insertAccessToken(ctx, tx, grant, request.GetScopes()); err != nil {
			return err
		}
		if withRefresh {
			refresh, err = s.insertRefreshToken(ctx, tx, grant)
		}
		return err
	})
	if err != nil {
		return "", "", time.Time{}, troubled(ctx, err)
	}
	return id, refresh, expires, nil
}

// grantFor makes the grant of a code, or finds that of a refresh token; either is used up by it.
func (s *storage) grantFor(ctx context.Context, tx pgx.Tx, request op.TokenRequest, oldRefresh string) (string, error) {
	switch r := request.(type) {
	case *authRequest:
		return s.startGrant(ctx, tx, r)
	case *refreshRequest:
		tag, err := tx.Exec(ctx, `UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL`,
			hashSecret(oldRefresh), s.now())
		if err == nil && tag.RowsAffected() != 1 {
			return "", errGone("The refresh token has been used already.")
		}
		return r.grantID, err
	default:
		return "", fmt.Errorf("no tokens are made for a %T", request)
	}
}

func (s *storage) startGrant(ctx context.Context, tx pgx.Tx, r *authRequest) (string, error) {
	tag, err := tx.Exec(ctx, `UPDATE auth_requests SET used_at = $2 WHERE id = $1 AND used_at IS NULL`, r.id, s.now())
	if err != nil {
		return "", fmt.Errorf("use up code: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return "", errGone("The code has been used already.")
	}
	var grant string
	// SELECT … FOR SHARE keeps the session until we are done: one that is ended meanwhile takes the grant with it.
	err = tx.QueryRow(ctx,
		`WITH live AS (SELECT id FROM sessions WHERE id = $1 AND expires_at > $2 FOR SHARE)
		 INSERT INTO grants (session_id, auth_request_id, client_id, scopes, auth_time) SELECT id, $3, $4, $5, $6 FROM live RETURNING id`,
		r.sessionID, s.now(), r.id, r.clientID, r.scopes, r.authTime).Scan(&grant)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errGone("The session has ended.")
	}
	if err != nil {
		return "", fmt.Errorf("start grant: %w", err)
	}
	return grant, nil
}

func (s *storage) insertAccessToken(ctx context.Context, tx pgx.Tx, grant string, scopes []string) (string, time.Time, error) {
	id, issued := rand.Text(), s.now()
	expires := issued.Add(accessLifetime)
	_, err := tx.Exec(ctx, `INSERT INTO access_tokens (id, grant_id, scopes, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		id, grant, scopes, issued, expires)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("store access token: %w", err)
	}
	return id, expires, nil
}

func (s *storage) insertRefreshToken(ctx context.Context, tx pgx.Tx, grant string) (string, error) {
	token := newSecret()
	_, err := tx.Exec(ctx, `INSERT INTO refresh_tokens (hash, grant_id, expires_at) VALUES ($1, $2, $3)`,
		hashSecret(token), grant, s.now().Add(refreshLifetime))
	if err != nil {
		return "", fmt.Errorf("store refresh token: %w", err)
	}
	return token, nil
}

// TokenRequestByRefreshToken implements op.Storage. A refresh token that is shown again has leaked: its whole grant
// ends (RFC 9700 section 4.14.2).
func (s *storage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	var r refreshRequest
	var used bool
	err := s.pool.QueryRow(ctx,
		`SELECT g.id, s.id, g.client_id, g.scopes, s.user_id, coalesce(g.auth_time, s.auth_time), t.used_at IS NOT NULL
		 FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id JOIN sessions s ON s.id = g.session_id
		 WHERE t.hash = $1 AND t.expires_at > $2 AND s.expires_at > $2`, hashSecret(token), s.now()).
		Scan(&r.grantID, &r.sessionID, &r.clientID, &r.scopes, &r.userID, &r.authTime, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, op.ErrInvalidRefreshToken
	}
	if err != nil {
		return nil, troubled(ctx, fmt.Errorf("find refresh token: %w", err))
	}
	if used {
		if err := s.endGrant(ctx, r.grantID); err != nil {
			return nil, troubled(ctx, err)
		}
		return nil, op.ErrInvalidRefreshToken
	}
	return &r, nil
}

func (s *storage) endGrant(ctx context.Context, id string) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM grants WHERE id = $1`, id); err != nil {
		return store.Fault(fmt.Errorf("end grant: %w", err))
	}
	return nil
}

// GetRefreshTokenInfo implements op.Storage, for revocation; the token itself serves as its id.
func (s *storage) GetRefreshTokenInfo(ctx context.Context, clientID, token string) (userID, tokenID string, err error) {
	err = s.pool.QueryRow(ctx,
		`SELECT s.user_id FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id JOIN sessions s ON s.id = g.session_id
		 WHERE t.hash = $1 AND g.client_id = $2`, hashSecret(token), clientID).Scan(&userID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", op.ErrInvalidRefreshToken
	}
	if err != nil {
		return "", "", troubled(ctx, fmt.Errorf("find refresh token: %w", err))
	}
	return userID, token, nil
}

// RevokeToken implements op.Storage: an access token ends alone, a refresh token with its grant. Only the client it
// was given to can revoke one; an unknown token is no error (RFC 7009 section 2.2).
func (s *storage) RevokeToken(ctx context.Context, token, _, clientID string) *oidc.Error {
	_, err := s.pool.Exec(ctx,
		`WITH refreshed AS (
		   DELETE FROM grants g USING refresh_tokens t WHERE t.grant_id = g.id AND t.hash = $1 AND g.client_id = $3)
		 DELETE FROM access_tokens t USING grants g WHERE g.id = t.grant_id AND t.id = $2 AND g.client_id = $3`,
		hashSecret(token), token, clientID)
	if err != nil {
		return troubled(ctx, fmt.Errorf("revoke token: %w", err))
	}
	return nil
}
