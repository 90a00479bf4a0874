package account

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/batch"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// lookups bound the queries for passwords. When a bouncer comes back, all its clients do at once: one query at a time,
// shared by who comes meanwhile, costs the least for each, and leaves the pool's other connections to everything else.
// Its patience, enough to connect anew, is less than callers have: those behind a connection that died are still answered.
var lookups = batch.Limits{Loads: 1, Keys: 64, Patience: 5 * time.Second}

// candidate is the password of an id with its owner; everything is empty where there is none.
type candidate struct {
	hash       []byte
	lastUsedAt *time.Time
	owner      User
}

// VerifyPassword finds whose connection password presented is, and records that it was used.
//
// It is Unauthenticated for everything that does not work: wrong, unknown, revoked, or no such password at all, which
// a caller can tell apart neither by the error nor by the time it takes.
func (s *Store) VerifyPassword(ctx context.Context, presented string) (User, error) {
	parsed, err := parseSecret(presented)
	if err != nil {
		return User{}, wrongPassword()
	}
	c, err := s.passwords.Get(ctx, parsed.id)
	if err != nil {
		return User{}, store.Fault(fmt.Errorf("verify connection password: %w", err))
	}
	hash := parsed.hash()
	// A missing row is compared as well, with zeros that no hash is equal to.
	stored := make([]byte, len(hash))
	copy(stored, c.hash)
	if subtle.ConstantTimeCompare(stored, hash[:]) != 1 || len(c.hash) == 0 {
		return User{}, wrongPassword()
	}
	if err := s.recordUse(ctx, parsed.id, c.lastUsedAt); err != nil {
		return User{}, store.Fault(fmt.Errorf("record use of connection password: %w", err))
	}
	return c.owner, nil
}

func wrongPassword() error {
	return fault.New(fault.Unauthenticated, "This connection password does not work. Make a new one in the portal.")
}

// candidates reads one row for each id, found or not, so that an answer about an unknown id is as long to fetch as any.
//
// The inner SELECT hides the number of ids from PostgreSQL, which would otherwise plan each query anew to suit it. LIMIT
// keeps the join as it stands, by index: for several ids the planner would rather read the whole of a small table.
func (s *Store) candidates(ctx context.Context, ids []string) (map[string]candidate, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT asked.id, coalesce(hash, ''), last_used_at, coalesce(owner, ''), coalesce(subject, ''), coalesce(email, ''),
			coalesce(handle, ''), coalesce(plan, ''), coalesce(log_search, false), coalesce(extra_bots, 0), coalesce(hosting, ''),
			coalesce(created_at, 'epoch')
		FROM unnest((SELECT $1::text[])) AS asked(id)
		LEFT JOIN LATERAL (
			SELECT p.hash, p.last_used_at, a.id::text AS owner, a.subject, a.email, a.handle, a.plan,
				a.log_search, a.extra_bots, a.hosting, a.created_at
			FROM connection_password p JOIN account a ON a.id = p.account_id
			WHERE p.id = asked.id AND p.revoked_at IS NULL LIMIT 1
		) AS found ON true`, ids)
	found := make(map[string]candidate, len(ids))
	var id string
	var c candidate
	columns := []any{&id, &c.hash, &c.lastUsedAt, &c.owner.ID, &c.owner.Subject, &c.owner.Email,
		(*string)(&c.owner.Handle), (*string)(&c.owner.Plan), &c.owner.LogSearch, &c.owner.ExtraBots,
		(*string)(&c.owner.Hosting), &c.owner.CreatedAt}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		found[id] = c
		return nil
	})
	return found, store.Fault(err)
}

// recordUse writes once a minute at most: a client that reconnects in a loop must not make the table grow.
func (s *Store) recordUse(ctx context.Context, id string, last *time.Time) error {
	now := s.now()
	if last != nil && now.Sub(*last) < lastUsedEvery {
		return nil
	}
	_, err := s.pool.Exec(ctx, `
		UPDATE connection_password SET last_used_at = $2
		WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)`, id, now, now.Add(-lastUsedEvery))
	return err
}
