package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// User is one account.
type User struct {
	ID        string // UUID
	Subject   string // the identity provider's "sub", which never changes
	Email     string // as the identity provider last gave it; may be empty
	Handle    Handle // empty until picked
	Plan      Plan
	LogSearch bool    // the add-on
	ExtraBots int     // the add-on
	Hosting   Hosting // empty without hosting
	CreatedAt time.Time

	// SignedOutAt is when they last signed out everywhere; nil for never.
	SignedOutAt *time.Time
}

// SignedOutSince reports whether the user has signed out everywhere since they authenticated: what they got by that
// sign-in is good no longer. An unknown time counts as long ago.
func (u User) SignedOutSince(authenticated time.Time) bool {
	return u.SignedOutAt != nil && !authenticated.After(*u.SignedOutAt)
}

// Holdings are what the user pays for.
func (u User) Holdings() Holdings {
	return Holdings{Plan: u.Plan, LogSearch: u.LogSearch, ExtraBots: u.ExtraBots, Hosting: u.Hosting}.Normal()
}

// Entitlements are what the user's plan, add-ons and hosting allow.
func (u User) Entitlements() Entitlements { return u.Holdings().Entitlements() }

const userColumns = `id::text AS id, subject, email, coalesce(handle, '') AS handle, plan, log_search, extra_bots,
	hosting, created_at, signed_out_at`

// SignIn finds the account of the identity provider's subject or makes one, and keeps its email address up to date.
// created is true for the sign-in that made the account; the event event.SignedUp is in the outbox then.
func (s *Store) SignIn(ctx context.Context, subject, email string) (user User, created bool, err error) {
	if subject == "" {
		return User{}, false, errors.New("sign in: the subject is empty")
	}
	err = store.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		user, created, err = s.upsert(ctx, tx, subject, email)
		if err != nil || !created {
			return err
		}
		return announceSignUp(ctx, tx, user)
	})
	if err != nil {
		return User{}, false, store.Fault(fmt.Errorf("sign in: %w", err))
	}
	return user, created, nil
}

func (s *Store) upsert(ctx context.Context, tx pgx.Tx, subject, email string) (user User, created bool, err error) {
	// xmax is 0 only in a row version that an INSERT made.
	rows, _ := tx.Query(ctx, `
		INSERT INTO account (subject, email, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (subject) DO UPDATE SET email = excluded.email
		RETURNING `+userColumns+`, xmax = 0 AS created`, subject, email, s.now())
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[struct {
		User
		Created bool
	}])
	return row.User, row.Created, err
}

func announceSignUp(ctx context.Context, tx pgx.Tx, user User) error {
	e, err := event.New(event.SourceAccounts, event.SignedUp{Account: user.ID})
	if err != nil {
		return err
	}
	return outbox.Write(ctx, tx, e)
}

// ByID finds a user by account id.
func (s *Store) ByID(ctx context.Context, id string) (User, error) {
	return s.userWhere(ctx, `id = $1`, id)
}

// BySubject finds a user by the identity provider's subject.
func (s *Store) BySubject(ctx context.Context, subject string) (User, error) {
	return s.userWhere(ctx, `subject = $1`, subject)
}

// ByHandle finds a user by handle.
func (s *Store) ByHandle(ctx context.Context, handle Handle) (User, error) {
	return s.userWhere(ctx, `handle = $1`, string(handle))
}

func (s *Store) userWhere(ctx context.Context, condition, value string) (User, error) {
	rows, _ := s.pool.Query(ctx, `SELECT `+userColumns+` FROM account WHERE `+condition, value)
	user, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[User])
	switch {
	case errors.Is(err, pgx.ErrNoRows) || store.Code(err) == store.InvalidTextRepresentation:
		return User{}, fault.Wrap(err, fault.NotFound, "There is no such account.")
	case err != nil:
		return User{}, store.Fault(fmt.Errorf("find account: %w", err))
	}
	return user, nil
}

// ChooseHandle gives the user of id the handle h, once and for all. It is a Conflict when another user has it or
// the user has picked a different one before; picking the same again changes nothing.
func (s *Store) ChooseHandle(ctx context.Context, id string, h Handle) (User, error) {
	// A Handle may be a mere conversion; what is stored must have passed the rules.
	h, err := ParseHandle(string(h))
	if err != nil {
		return User{}, err
	}
	rows, _ := s.pool.Query(ctx, `
		UPDATE account SET handle = $2 WHERE id = $1 AND (handle IS NULL OR handle = $2)
		RETURNING `+userColumns, id, string(h))
	user, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[User])
	taken := fmt.Sprintf("The handle %q is taken. Please pick another one.", h)
	switch {
	case store.Code(err) == store.UniqueViolation:
		return User{}, &fault.Error{
			Kind: fault.Conflict, Sentence: taken, Fields: map[string]string{"handle": taken}, Cause: err,
		}
	case errors.Is(err, pgx.ErrNoRows):
		return User{}, s.whyNoHandle(ctx, id)
	case err != nil:
		return User{}, store.Fault(fmt.Errorf("choose handle: %w", err))
	}
	return user, nil
}

// whyNoHandle explains why no row took a handle.
func (s *Store) whyNoHandle(ctx context.Context, id string) error {
	user, err := s.ByID(ctx, id)
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "You have picked the handle %q already, and a handle stays.", user.Handle)
}
