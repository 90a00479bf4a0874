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

var validOwner = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// EnsureOwned is Ensure for a database that belongs to one owner: an identifier that is never used again, such as a
// Kubernetes uid. It is noted on the database ("irc.now tenant of OWNER"), and whoever presents another one is refused
// with ErrTaken. So handing a database over is for who administers the server, by writing that note: nobody else can.
//
// Both passwords have to be given. Where everything is as it should be, nothing on the server is changed.
func EnsureOwned(ctx context.Context, admin *pgxpool.Pool, name, owner string, p Passwords) (Credentials, error) {
	if p.Owner == "" || p.Reader == "" || !validOwner.MatchString(owner) {
		return Credentials{}, fmt.Errorf("ensure tenant %s: both passwords and an owner are needed", name)
	}
	c, err := credentialsFor(name, p)
	if err != nil {
		return Credentials{}, err
	}
	if err := ensureOwned(ctx, admin, c, noteOf(owner)); err != nil {
		if errors.Is(err, ErrTaken) {
			return Credentials{}, err
		}
		return Credentials{}, store.Fault(fmt.Errorf("ensure tenant %s: %w", name, err))
	}
	return c, nil
}

func ensureOwned(ctx context.Context, admin *pgxpool.Pool, c Credentials, note string) error {
	found, err := look(ctx, admin, c)
	switch {
	case err != nil:
		return err
	case found.database && found.note != note:
		return ErrTaken
	case found.inOrder(c):
		return nil
	}
	return withLock(ctx, admin, c.Database, func(conn *pgx.Conn) error { return ensureOwnedLocked(ctx, admin, conn, c, note) })
}

// ensureOwnedLocked looks again, since the first look was without the lock.
func ensureOwnedLocked(ctx context.Context, admin *pgxpool.Pool, conn *pgx.Conn, c Credentials, note string) error {
	found, err := look(ctx, conn, c)
	switch {
	case err != nil:
		return err
	case !found.database:
		return makeAside(ctx, admin, conn, c, note)
	case found.note != note:
		return ErrTaken
	}
	return ensureLocked(ctx, admin, conn, c)
}

// state is what the server has of a tenant.
type state struct {
	database  bool
	note      string
	ours      bool // the database belongs to who administers the server
	open      bool // connections are allowed
	verifiers map[string]string
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func look(ctx context.Context, q querier, c Credentials) (state, error) {
	s := state{verifiers: map[string]string{}}
	err := q.QueryRow(ctx, `SELECT coalesce(shobj_description(oid, 'pg_database'), ''), pg_get_userbyid(datdba) = current_user, datallowconn
		FROM pg_database WHERE datname = $1`, c.Database).Scan(&s.note, &s.ours, &s.open)
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

// inOrder reports whether nothing has to be done: the database is there, open and nobody else's, and both roles have
// their passwords and no right too many.
func (s state) inOrder(c Credentials) bool {
	return s.database && s.open && s.ours &&
		Verifies(s.verifiers[c.Owner], c.OwnerPassword.Reveal()) && Verifies(s.verifiers[c.Reader], c.ReaderPassword.Reveal())
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
