package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/store"
)

// session is one browser's sign-in; everything given out in it ends with it.
type session struct {
	ID       string
	AuthTime time.Time
	person
}

// startSession gives the browser a session of who has just shown who they are, under a new secret: one that was planted
// before is worthless. The session that the same person had there goes on, so that it never has two names, of which
// signing out would end one. Anybody else's ends: nobody could find it again.
func (p *Provider) startSession(ctx context.Context, w http.ResponseWriter, before *session, who person) (session, error) {
	started := session{AuthTime: p.now(), person: who}
	if before != nil && before.person.ID == who.ID {
		started.ID = before.ID
	} else if before != nil {
		if err := p.endSession(ctx, before.ID); err != nil {
			return session{}, err
		}
	}
	secret := newSecret()
	err := p.pool.QueryRow(ctx,
		`INSERT INTO sessions (id, secret_hash, user_id, auth_time, expires_at)
		 VALUES (coalesce(nullif($5, '')::uuid, gen_random_uuid()), $1, $2, $3, $4)
		 ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash, auth_time = excluded.auth_time, expires_at = excluded.expires_at
		 RETURNING id`,
		hashSecret(secret), who.ID, started.AuthTime, started.AuthTime.Add(sessionLifetime), started.ID).Scan(&started.ID)
	if err != nil {
		return session{}, store.Fault(fmt.Errorf("start session: %w", err))
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
		return nil, store.Fault(fmt.Errorf("find session: %w", err))
	}
	return &s, nil
}

// endSession ends a session with its grants and tokens. Ending one that is gone is no error.
func (p *Provider) endSession(ctx context.Context, id string) error {
	if _, err := p.pool.Exec(ctx, `DELETE FROM sessions WHERE id = $1`, id); err != nil {
		return store.Fault(fmt.Errorf("end session: %w", err))
	}
	return nil
}
