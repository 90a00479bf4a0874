package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// authRequest is somebody's way from an application to here and back. It implements op.AuthRequest.
type authRequest struct {
	id            string
	clientID      string
	redirectURI   string
	scopes        []string
	state         string
	nonce         string
	responseMode  string
	codeChallenge string
	loginHint     string
	freshAfter    *time.Time
	browserHash   []byte
	used          bool

	// Of the session that was chosen; empty until then.
	sessionID string
	userID    string
	authTime  time.Time
	secret    []byte // hashed
}

var _ op.AuthRequest = (*authRequest)(nil)

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetAMR() []string                   { return []string{"pwd"} }
func (a *authRequest) GetAudience() []string              { return []string{a.clientID} }
func (a *authRequest) GetAuthTime() time.Time             { return a.authTime }
func (a *authRequest) GetClientID() string                { return a.clientID }
func (a *authRequest) GetNonce() string                   { return a.nonce }
func (a *authRequest) GetRedirectURI() string             { return a.redirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return oidc.ResponseMode(a.responseMode) }
func (a *authRequest) GetScopes() []string                { return a.scopes }
func (a *authRequest) GetState() string                   { return a.state }
func (a *authRequest) GetSubject() string                 { return a.userID }
func (a *authRequest) Done() bool                         { return a.userID != "" }

func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.codeChallenge, Method: oidc.CodeChallengeMethodS256}
}

// accepts reports whether a session is recent enough for what the application asked (prompt=login, max_age).
func (a *authRequest) accepts(s *session) bool {
	return s != nil && (a.freshAfter == nil || s.AuthTime.After(*a.freshAfter))
}

// maxMaxAge bounds max_age, in seconds: no session is older.
const maxMaxAge = uint(sessionLifetime / time.Second)

// CreateAuthRequest implements op.Storage.
func (s *storage) CreateAuthRequest(ctx context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	return s.createAuthRequest(ctx, r)
}

func (p *Provider) createAuthRequest(ctx context.Context, r *oidc.AuthRequest) (*authRequest, error) {
	made := &authRequest{
		id: newSecret(), clientID: r.ClientID, redirectURI: r.RedirectURI, scopes: slices.Compact(slices.Sorted(slices.Values(r.Scopes))),
		state: r.State, nonce: r.Nonce, responseMode: string(r.ResponseMode), codeChallenge: r.CodeChallenge,
		loginHint: r.LoginHint, browserHash: browserHash(ctx),
	}
	if r.MaxAge != nil { // the library turns prompt=login into a maximum age of nothing
		age := time.Duration(min(*r.MaxAge, maxMaxAge)) * time.Second
		after := p.now().Add(-age)
		made.freshAfter = &after
	}
	_, err := p.pool.Exec(ctx,
		`INSERT INTO auth_requests (id, client_id, redirect_uri, scopes, state, nonce, response_mode, code_challenge,
		   login_hint, fresh_after, browser_hash, expires_at)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		made.id, made.clientID, made.redirectURI, made.scopes, made.state, made.nonce, made.responseMode,
		made.codeChallenge, made.loginHint, made.freshAfter, made.browserHash, p.now().Add(requestLifetime))
	if err != nil {
		return nil, internal(fmt.Errorf("store authorization request: %w", err))
	}
	return made, nil
}

const authRequestQuery = `
SELECT r.id, r.client_id, r.redirect_uri, r.scopes, r.state, r.nonce, r.response_mode, r.code_challenge, r.login_hint,
  r.fresh_after, r.browser_hash, r.used_at IS NOT NULL, coalesce(s.id::text, ''), coalesce(s.user_id::text, ''),
  coalesce(s.auth_time, 'epoch'), s.secret_hash
FROM auth_requests r LEFT JOIN sessions s ON s.id = r.session_id AND s.expires_at > $2
WHERE r.expires_at > $2 AND `

func scanAuthRequest(row pgx.Row) (*authRequest, error) {
	var a authRequest
	err := row.Scan(&a.id, &a.clientID, &a.redirectURI, &a.scopes, &a.state, &a.nonce, &a.responseMode, &a.codeChallenge,
		&a.loginHint, &a.freshAfter, &a.browserHash, &a.used, &a.sessionID, &a.userID, &a.authTime, &a.secret)
	if err != nil {
		return nil, store.Fault(fmt.Errorf("find authorization request: %w", err))
	}
	return &a, nil
}

// requestOf finds a pending request that began in the browser that asks. Without that bond somebody could begin one,
// have another person finish it, and collect the code.
func (p *Provider) requestOf(ctx context.Context, id string) (*authRequest, error) {
	if !storable(id) {
		id = ""
	}
	found, err := scanAuthRequest(p.pool.QueryRow(ctx, authRequestQuery+`r.id = $1`, id, p.now()))
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && !found.pendingIn(ctx)) {
		return nil, fault.New(fault.Conflict,
			"This sign-in has expired or began in another browser. Go back to the application and sign in again.")
	}
	return found, store.Fault(err)
}

// pendingIn reports whether the request is still to be finished in the browser that asks: the one that began it, or has the
// session that was chosen for it.
func (a *authRequest) pendingIn(ctx context.Context) bool {
	same := func(want, got []byte) bool { return got != nil && subtle.ConstantTimeCompare(want, got) == 1 }
	return !a.used && (same(a.browserHash, browserHash(ctx)) || same(a.secret, sessionHash(ctx)))
}

// chooseSession binds a pending request to the session whose user said yes.
func (p *Provider) chooseSession(ctx context.Context, request, session string) error {
	_, err := p.pool.Exec(ctx, `UPDATE auth_requests SET session_id = $2 WHERE id = $1 AND used_at IS NULL`, request, session)
	if err != nil {
		return store.Fault(fmt.Errorf("choose session of authorization request: %w", err))
	}
	return nil
}

// AuthRequestByID implements op.Storage; our own handlers use requestOf.
func (s *storage) AuthRequestByID(ctx context.Context, id string) (op.AuthRequest, error) {
	found, err := s.requestOf(ctx, id)
	if err != nil {
		return nil, internal(err)
	}
	return found, nil
}

// SaveAuthCode implements op.Storage. Of several codes the last is good: a form that was sent twice has two answers, of which
// the browser follows the second.
func (s *storage) SaveAuthCode(ctx context.Context, id, code string) error {
	tag, err := s.pool.Exec(ctx, `UPDATE auth_requests SET code_hash = $2 WHERE id = $1 AND used_at IS NULL`, id, hashSecret(code))
	if err != nil {
		return internal(fmt.Errorf("store code: %w", err))
	}
	if tag.RowsAffected() != 1 {
		return oidc.ErrInvalidRequest().WithDescription("This sign-in has been finished already.")
	}
	return nil
}

// AuthRequestByCode implements op.Storage. A code that is shown again has leaked, so what the first showing gave is
// taken back (RFC 6749 section 4.1.2).
func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	found, err := scanAuthRequest(s.pool.QueryRow(ctx, authRequestQuery+`r.code_hash = $1`, hashSecret(code), s.now()))
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && !found.Done()) {
		return nil, errUnknownCode
	}
	if err != nil {
		return nil, troubled(ctx, err)
	}
	if found.used {
		if _, err := s.pool.Exec(ctx, `DELETE FROM grants WHERE auth_request_id = $1`, found.id); err != nil {
			return nil, troubled(ctx, fmt.Errorf("end grant of a code shown twice: %w", err))
		}
		return nil, errUnknownCode
	}
	return found, nil
}

var errUnknownCode = errors.New("code is unknown, used or expired")

// DeleteAuthRequest implements op.Storage. The row stays until it expires, so that a code shown twice is noticed.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }
