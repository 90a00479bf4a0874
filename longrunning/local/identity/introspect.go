package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/store"
)

// accessToken is a live access token.
type accessToken struct {
	id        string
	subject   string
	email     string
	clientID  string
	scopes    []string
	issuedAt  time.Time
	expiresAt time.Time
	authTime  time.Time
}

// accessToken finds a live token; errNoSuchToken when there is none.
func (p *Provider) accessToken(ctx context.Context, id, subject string) (*accessToken, error) {
	token := accessToken{id: id}
	err := p.pool.QueryRow(ctx,
		`SELECT u.id, u.email, g.client_id, t.scopes, t.issued_at, t.expires_at, coalesce(g.auth_time, s.auth_time)
		 FROM access_tokens t JOIN grants g ON g.id = t.grant_id JOIN sessions s ON s.id = g.session_id JOIN users u ON u.id = s.user_id
		 WHERE t.id = $1 AND u.id::text = $2 AND t.expires_at > $3 AND s.expires_at > $3`, id, subject, p.now()).
		Scan(&token.subject, &token.email, &token.clientID, &token.scopes, &token.issuedAt, &token.expiresAt, &token.authTime)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoSuchToken
	}
	if err != nil {
		return nil, store.Fault(fmt.Errorf("find access token: %w", err))
	}
	return &token, nil
}

func (t *accessToken) describe(answer *oidc.IntrospectionResponse, issuer string) {
	answer.Active = true
	answer.Scope, answer.ClientID, answer.TokenType = t.scopes, t.clientID, oidc.BearerToken
	answer.Subject, answer.Audience, answer.Issuer, answer.JWTID = t.subject, []string{t.clientID}, issuer, t.id
	answer.IssuedAt, answer.Expiration = oidc.FromTime(t.issuedAt), oidc.FromTime(t.expiresAt)
	answer.AuthTime = oidc.FromTime(t.authTime)
}

// mayIntrospect: a client may ask about its own tokens; about those of others only where it is told it may.
func (p *Provider) mayIntrospect(clientID string, token *accessToken) bool {
	asking, ok := p.client(clientID)
	return ok && (asking.Introspects || token.clientID == clientID)
}

// introspect answers RFC 7662 requests in the library's stead, which says "not active" when the database is away.
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	presented, clientID, err := op.ParseTokenIntrospectionRequest(r, p.op)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="introspection"`)
		http.Error(w, "Authenticate with the client's id and secret.", http.StatusUnauthorized)
		return
	}
	answer := new(oidc.IntrospectionResponse)
	token, err := p.openAccessToken(r.Context(), presented)
	switch {
	case errors.Is(err, errNoSuchToken):
	case err != nil:
		p.config.Log.ErrorContext(r.Context(), "introspection failed", slog.Any("error", err))
		http.Error(w, "Tokens cannot be checked at the moment. Try again later.", http.StatusServiceUnavailable)
		return
	case p.mayIntrospect(clientID, token):
		token.describe(answer, p.config.Issuer)
	}
	p.writeJSON(w, r, answer)
}

func (p *Provider) openAccessToken(ctx context.Context, presented string) (*accessToken, error) {
	text, err := p.seal.Decrypt(presented)
	if err != nil {
		return nil, errNoSuchToken
	}
	id, subject, ok := strings.Cut(text, ":")
	if !ok {
		return nil, errNoSuchToken // a sealed code
	}
	return p.accessToken(ctx, id, subject)
}
