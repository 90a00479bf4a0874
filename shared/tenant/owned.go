package tenant

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/store"
)

// ErrTaken is returned for a database of the wanted name that was not made for the owner.
var ErrTaken = errors.New("the database exists already and belongs to somebody else")

// Claim says for whom a tenant is made. Owner is an identifier that is never used again, such as a Kubernetes uid. It is
// noted on the database, and whoever presents another one is refused.
type Claim struct {
	Owner string
	// Adopt takes over a database that bears another owner's note, or none.
	Adopt bool
}

var validOwner = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// EnsureOwned is Ensure for a database that belongs to one owner: it is refused with ErrTaken where another's exists.
// Both passwords have to be given. Where everything is as it should be, nothing on the server is changed.
func EnsureOwned(ctx context.Context, admin *pgxpool.Pool, name string, claim Claim, p Passwords) (Credentials, error) {
	if p.Owner == "" || p.Reader == "" || !validOwner.MatchString(claim.Owner) {
		return Credentials{}, fmt.Errorf("ensure tenant %s: both passwords and an owner are needed", name)
	}
	c, err := credentialsFor(name, p)
	if err != nil {
		return Credentials{}, err
	}
	if err := ensureOwned(ctx, admin, c, claim); err != nil {
		if errors.Is(err, ErrTaken) {
			return Credentials{}, err
		}
		return Credentials{}, store.Fault(fmt.Errorf("ensure tenant %s: %w", name, err))
	}
	return c, nil
}

func ensureOwned(ctx context.Context, admin *pgxpool.Pool, c Credentials, claim Claim) error {
	found, err := look(ctx, admin, c)
	if err != nil {
		return err
	}
	mine := found.note == noteOf(claim.Owner)
	switch {
	case found.database && !mine && !claim.Adopt:
		return ErrTaken
	case mine && found.inOrder(c):
		return nil
	}
	return withLock(ctx, admin, c.Database, func(conn *pgx.Conn) error {
		return claimLocked(ctx, admin, conn, c, claim)
	})
}

// claimLocked looks again, since the first look was without the lock.
func claimLocked(ctx context.Context, admin *pgxpool.Pool, conn *pgx.Conn, c Credentials, claim Claim) error {
	found, err := look(ctx, conn, c)
	if err != nil {
		return err
	}
	if !found.database {
		return makeAside(ctx, admin, conn, c, noteOf(claim.Owner))
	}
	if found.note != noteOf(claim.Owner) {
		if !claim.Adopt {
			return ErrTaken
		}
		if err := adopt(ctx, admin, conn, c, found.owner); err != nil {
			return err
		}
	}
	if err := ensureLocked(ctx, admin, conn, c); err != nil {
		return err
	}
	return comment(ctx, conn, c.Database, noteOf(claim.Owner))
}

// adopt makes c's roles the owners of what is in a database of other roles, as after an administrator renamed a buried
// database back. What superusers own there stays theirs.
func adopt(ctx context.Context, admin *pgxpool.Pool, conn *pgx.Conn, c Credentials, owner string) error {
	if err := ensureRoles(ctx, conn, c); err != nil {
		return err
	}
	database := identifier(c.Database)
	if err := execute(ctx, conn, `ALTER DATABASE `+database+` ALLOW_CONNECTIONS true`); err != nil {
		return err
	}
	var super bool
	if err := conn.QueryRow(ctx, `SELECT rolsuper FROM pg_roles WHERE rolname = $1`, owner).Scan(&super); err != nil {
		return err
	}
	if super || owner == c.Owner {
		return nil
	}
	return inside(ctx, admin, c.Database, func(inner *pgx.Conn) error {
		err := execute(ctx, inner,
			`REASSIGN OWNED BY `+identifier(owner)+` TO `+identifier(c.Owner), `DROP OWNED BY `+identifier(owner))
		if err != nil {
			return err
		}
		return dropRights(ctx, inner, owner+readerSuffix)
	})
}

// dropRights takes from a role, if there is one, what it may do in the database.
func dropRights(ctx context.Context, inner *pgx.Conn, role string) error {
	var exists bool
	if err := inner.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role).Scan(&exists); err != nil || !exists {
		return err
	}
	return execute(ctx, inner, `DROP OWNED BY `+identifier(role))
}

// state is what the server has of a tenant.
type state struct {
	database  bool
	note      string
	owner     string
	open      bool // connections are allowed
	verifiers map[string]string
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func look(ctx context.Context, q querier, c Credentials) (state, error) {
	s := state{verifiers: map[string]string{}}
	err := q.QueryRow(ctx, `SELECT coalesce(shobj_description(oid, 'pg_database'), ''), pg_get_userbyid(datdba), datallowconn
		FROM pg_database WHERE datname = $1`, c.Database).Scan(&s.note, &s.owner, &s.open)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return state{}, err
	}
	s.database = err == nil
	rows, err := q.Query(ctx, `SELECT rolname, coalesce(rolpassword, '') FROM pg_authid
		WHERE rolname = ANY($1) AND rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)`,
		[]string{c.Owner, c.Reader})
	if err != nil {
		return state{}, err
	}
	var role, verifier string
	_, err = pgx.ForEachRow(rows, []any{&role, &verifier}, func() error {
		s.verifiers[role] = verifier
		return nil
	})
	return s, err
}

// inOrder reports whether nothing has to be done: the database is there, open and its owner's, and both roles have
// their passwords and no right too many.
func (s state) inOrder(c Credentials) bool {
	return s.database && s.open && s.owner == c.Owner &&
		verifies(s.verifiers[c.Owner], c.OwnerPassword.Reveal()) && verifies(s.verifiers[c.Reader], c.ReaderPassword.Reveal())
}

const notePrefix = "irc.now tenant of "

func noteOf(owner string) string { return notePrefix + owner }

func buriedNote(owner string, until time.Time) string {
	return noteOf(owner) + " until " + until.UTC().Format(time.RFC3339)
}

// comment takes no parameters; notes are made of validOwner and times, which hold no quote.
func comment(ctx context.Context, conn execer, database, note string) error {
	_, err := conn.Exec(ctx, `COMMENT ON DATABASE `+identifier(database)+` IS '`+note+`'`)
	return err
}
