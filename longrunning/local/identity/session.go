package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// session is one browser's sign-in; everything given out in it ends with it.
type session struct {
	ID       string
	AuthTime time.Time
	person
}

// startSession makes a session and gives its secret to the browser.
func (p *Provider) startSession(ctx context.Context, w http.ResponseWriter, who person) (session, error) {
	started := session{AuthTime: p.now(), person: who}
	secret := newSecret()
	err := p.pool.QueryRow(ctx,
		`INSERT INTO sessions (secret_hash, user_id, auth_time, expires_at) VALUES ($1, $2, $3, $4) RETURNING id`,
		hashSecret(secret), who.ID, started.AuthTime, started.AuthTime.Add(sessionLifetime)).Scan(&started.ID)
	if err != nil {
		return session{}, fmt.Errorf("start session: %w", err)
	}
	p.setCookie(w, sessionCookie, secret, sessionLifetime)
	return started, nil
}

// currentSession finds the session of the browser that asks; nil when it has none.
func (p *Provider) currentSession(r *http.Request) (*session, error) {
	secret, ok := p.cookie(r, sessionCookie)
	if !ok {
		return nil, nil
	}
	var s session
	err := p.pool.QueryRow(r.Context(),
		`SELECT s.id, s.auth_time, u.id, u.email FROM sessions s JOIN users u ON u.id = s.user_id
		 WHERE s.secret_hash = $1 AND s.expires_at > $2`,
		hashSecret(secret), p.now()).Scan(&s.ID, &s.AuthTime, &s.person.ID, &s.Email)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find session: %w", err)
	}
	return &s, nil
}

// endSession ends a session with its grants and tokens. Ending one that is gone is no error.
func (p *Provider) endSession(ctx context.Context, id string) error {
	if _, err := p.pool.Exec(ctx, `DELETE FROM sessions WHERE id = $1`, id); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}
