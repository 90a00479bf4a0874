package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/account/plan"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// Limits of connection passwords.
const (
	MaxPasswords    = plan.MaxPasswords // live ones per user
	MaxPasswordName = 64                // characters
	lastUsedEvery   = time.Minute
)

// ConnectionPassword is what one of a user's IRC clients signs in with, without the secret itself.
type ConnectionPassword struct {
	ID         string
	Name       string // the user's own words for the client
	CreatedAt  time.Time
	LastUsedAt *time.Time // exact to a minute; nil when never used
	RevokedAt  *time.Time // nil while it works
}

// CreatePassword makes a connection password called name. The secret is returned this once and cannot be had again.
// It is Invalid for a bad name, and OverQuota when the user has MaxPasswords that work.
func (s *Store) CreatePassword(ctx context.Context, userID, name string) (config.Secret, ConnectionPassword, error) {
	name, err := parsePasswordName(name)
	if err != nil {
		return "", ConnectionPassword{}, err
	}
	secret := newSecret()
	password := ConnectionPassword{ID: secret.id, Name: name, CreatedAt: s.now()}
	err = store.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockAccount(ctx, tx, userID); err != nil {
			return err
		}
		return insertPassword(ctx, tx, userID, password, secret)
	})
	if err != nil {
		return "", ConnectionPassword{}, store.Fault(fmt.Errorf("create connection password: %w", err))
	}
	return config.Secret(secret.String()), password, nil
}

// againWithin is how long the same wish for a password is taken for the one before.
const againWithin = time.Minute

// CreatePasswordOnce is CreatePassword for a wish that may come twice, such as a form that is sent by a double click: with
// the same seed and name it gives the same password within a minute, and another one later. Whoever knows seed knows the
// password, so it must be a secret that nobody else can guess.
func (s *Store) CreatePasswordOnce(ctx context.Context, userID, name string, seed config.Secret) (config.Secret, ConnectionPassword, error) {
	name, err := parsePasswordName(name)
	if err != nil {
		return "", ConnectionPassword{}, err
	}
	secret, err := secretOf(seed, userID+" "+name)
	if err != nil {
		return "", ConnectionPassword{}, fmt.Errorf("derive connection password: %w", err)
	}
	password := ConnectionPassword{ID: secret.id, Name: name, CreatedAt: s.now()}
	err = store.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockAccount(ctx, tx, userID); err != nil {
			return err
		}
		before, found, err := passwordMade(ctx, tx, userID, secret.id)
		switch {
		case err != nil:
			return err
		case !found:
			return insertPassword(ctx, tx, userID, password, secret)
		case before.RevokedAt == nil && s.now().Sub(before.CreatedAt) < againWithin:
			password = before
			return nil
		default: // an old page, which asks for another one
			secret = newSecret()
			password.ID = secret.id
			return insertPassword(ctx, tx, userID, password, secret)
		}
	})
	if err != nil {
		return "", ConnectionPassword{}, store.Fault(fmt.Errorf("create connection password: %w", err))
	}
	return config.Secret(secret.String()), password, nil
}

// passwordMade finds the user's password of that id.
func passwordMade(ctx context.Context, tx pgx.Tx, userID, id string) (p ConnectionPassword, found bool, err error) {
	rows, _ := tx.Query(ctx, `
		SELECT id, name, created_at, last_used_at, revoked_at FROM connection_password WHERE account_id = $1 AND id = $2`, userID, id)
	p, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ConnectionPassword])
	if errors.Is(err, pgx.ErrNoRows) {
		return ConnectionPassword{}, false, nil
	}
	return p, err == nil, err
}

// insertPassword keeps a password where the user has room for one. The account is locked.
func insertPassword(ctx context.Context, tx pgx.Tx, userID string, password ConnectionPassword, secret secret) error {
	if err := checkPasswordCount(ctx, tx, userID); err != nil {
		return err
	}
	hash := secret.hash()
	_, err := tx.Exec(ctx, `
		INSERT INTO connection_password (id, account_id, name, hash, created_at) VALUES ($1, $2, $3, $4, $5)`,
		password.ID, userID, password.Name, hash[:], password.CreatedAt)
	return err
}

func parsePasswordName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", fault.Field("name", "Please give the password a name, such as the client that will use it.")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable):
		return "", fault.Field("name", "A name cannot contain control characters.")
	case utf8.RuneCountInString(name) > MaxPasswordName:
		return "", fault.Field("name", "A name has at most %d characters.", MaxPasswordName)
	}
	return name, nil
}

// unprintable refuses what could disguise a name: control and format characters (such as those that turn the
// writing direction) beside line breaks.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// lockAccount comes before all that looks at the account's passwords, so that of two requests at once the later one sees
// what the earlier one made.
func lockAccount(ctx context.Context, tx pgx.Tx, userID string) error {
	var locked int
	err := tx.QueryRow(ctx, `SELECT 0 FROM account WHERE id = $1 FOR UPDATE`, userID).Scan(&locked)
	if errors.Is(err, pgx.ErrNoRows) || store.Code(err) == store.InvalidTextRepresentation {
		return fault.Wrap(err, fault.NotFound, "There is no such account.")
	}
	return err
}

func checkPasswordCount(ctx context.Context, tx pgx.Tx, userID string) error {
	var live int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM connection_password WHERE account_id = $1 AND revoked_at IS NULL`,
		userID).Scan(&live)
	if err == nil && live >= MaxPasswords {
		return fault.New(fault.OverQuota,
			"You have %d connection passwords, which is the most there can be. Revoke one that you no longer use.", live)
	}
	return err
}

// Passwords lists the user's connection passwords, those that work first, then the newest first.
func (s *Store) Passwords(ctx context.Context, userID string) ([]ConnectionPassword, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT id, name, created_at, last_used_at, revoked_at FROM connection_password WHERE account_id = $1
		ORDER BY revoked_at IS NOT NULL, created_at DESC, id`, userID)
	passwords, err := pgx.CollectRows(rows, pgx.RowToStructByName[ConnectionPassword])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("list connection passwords: %w", err))
	}
	return passwords, nil
}

// RevokePassword makes one of the user's passwords fail from now on; the connections it opened are closed by the
// next tick of functions/revoke. Revoking again changes nothing. It is NotFound when the password is not the user's.
func (s *Store) RevokePassword(ctx context.Context, userID, passwordID string) error {
	tag, err := s.pool.Exec(ctx, `
		UPDATE connection_password SET revoked_at = coalesce(revoked_at, $3) WHERE id = $2 AND account_id = $1`,
		userID, passwordID, s.now())
	if err != nil && store.Code(err) != store.InvalidTextRepresentation {
		return store.Fault(fmt.Errorf("revoke connection password: %w", err))
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "There is no such connection password.")
	}
	return nil
}
