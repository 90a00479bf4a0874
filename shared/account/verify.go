package account

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// candidate is the password of an id with its owner; every column is null where there is none.
type candidate struct {
	hash       []byte
	lastUsedAt *time.Time
	id         *string
	subject    *string
	email      *string
	handle     *string
	plan       *string
	logSearch  *bool
	extraBots  *int
	hosting    *string
	createdAt  *time.Time
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
	c, err := s.candidate(ctx, parsed.id)
	if err != nil {
		return User{}, store.Fault(fmt.Errorf("verify connection password: %w", err))
	}
	hash := parsed.hash()
	// A missing row is compared as well, with zeros that no hash is equal to.
	stored := make([]byte, len(hash))
	copy(stored, c.hash)
	if subtle.ConstantTimeCompare(stored, hash[:]) != 1 || c.hash == nil {
		return User{}, wrongPassword()
	}
	if err := s.recordUse(ctx, parsed.id, c.lastUsedAt); err != nil {
		return User{}, store.Fault(fmt.Errorf("record use of connection password: %w", err))
	}
	return c.user(), nil
}

func wrongPassword() error {
	return fault.New(fault.Unauthenticated, "This connection password does not work. Make a new one in the portal.")
}

// candidate always reads one row: the outer joins make the answer for an unknown id as long to fetch as any other.
func (s *Store) candidate(ctx context.Context, id string) (c candidate, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT p.hash, p.last_used_at, a.id::text, a.subject, a.email, a.handle, a.plan,
			a.log_search, a.extra_bots, a.hosting, a.created_at
		FROM (SELECT $1::text AS id) AS asked
		LEFT JOIN connection_password p ON p.id = asked.id AND p.revoked_at IS NULL
		LEFT JOIN account a ON a.id = p.account_id`, id).
		Scan(&c.hash, &c.lastUsedAt, &c.id, &c.subject, &c.email, &c.handle, &c.plan,
			&c.logSearch, &c.extraBots, &c.hosting, &c.createdAt)
	return c, err
}

func (c candidate) user() User {
	u := User{
		ID: *c.id, Subject: *c.subject, Email: *c.email, Plan: Plan(*c.plan),
		LogSearch: *c.logSearch, ExtraBots: *c.extraBots, Hosting: Hosting(*c.hosting), CreatedAt: *c.createdAt,
	}
	if c.handle != nil {
		u.Handle = Handle(*c.handle)
	}
	return u
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
