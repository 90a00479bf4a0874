package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// person is a row of users without the password.
type person struct {
	ID    string
	Email string
}

// createUser stores a new person; Conflict when the address is taken.
func (p *Provider) createUser(ctx context.Context, email, password string) (person, error) {
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return person{}, err
	}
	created := person{Email: email}
	err = p.pool.QueryRow(ctx,
		`INSERT INTO users (email, password_hash) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING RETURNING id`,
		email, hash).Scan(&created.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return person{}, fault.New(fault.Conflict, "There is an account with this e-mail address already. Sign in instead.")
	}
	if err != nil {
		return person{}, store.Fault(fmt.Errorf("create user: %w", err))
	}
	return created, nil
}

// authenticate finds who has this e-mail address and password. Both mistakes give the same answer after the same work.
// An account from before addresses were folded has the one that was typed, in lower case.
func (p *Provider) authenticate(ctx context.Context, typed, password string) (person, error) {
	var found person
	var hash string
	err := p.pool.QueryRow(ctx, `SELECT id, email, password_hash FROM users WHERE email IN ($1, $2) ORDER BY email = $1 DESC LIMIT 1`,
		strings.ToLower(strings.TrimSpace(typed)), foldEmail(typed)).
		Scan(&found.ID, &found.Email, &hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return person{}, store.Fault(fmt.Errorf("find user: %w", err))
	}
	ok, err := p.hasher.matches(ctx, hash, password)
	if err != nil {
		return person{}, fmt.Errorf("check password: %w", err)
	}
	if !ok {
		return person{}, fault.New(fault.Unauthenticated, "E-mail address and password do not match. Check both and try again.")
	}
	return found, nil
}

// EnsureUser makes sure that somebody can sign in with this address and password: it creates the account, or gives the
// one that is there this password. The one-machine platform keeps its demo account by it.
func (p *Provider) EnsureUser(ctx context.Context, email, password string) error {
	_, err := p.authenticate(ctx, email, password)
	if !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	// Sessions that the old password opened end with it.
	_, err = p.pool.Exec(ctx, `WITH changed AS (
			INSERT INTO users (email, password_hash) VALUES ($1, $2)
			ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash RETURNING id)
		DELETE FROM sessions USING changed WHERE sessions.user_id = changed.id`, email, hash)
	if err != nil {
		return store.Fault(fmt.Errorf("ensure user: %w", err))
	}
	return nil
}
