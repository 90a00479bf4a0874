// Package tenant gives each service, bouncer and network a database of its own on a shared PostgreSQL server, with
// two roles that can reach nothing else: the owner, and a reader.
//
// It makes no tables; the owner does. A database that belongs to a custom resource bears a note of whose it is, and is
// buried under another name before it is dropped: EnsureOwned, Bury, Sweep.
package tenant

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/config"
	"irc.now/shared/store"
)

// readerSuffix makes the reader's role name of the owner's. No tenant has two underscores in a row in its name, so no
// tenant's owner is another one's reader.
const readerSuffix = "__read"

// maxName leaves room for the suffix in PostgreSQL's 63 characters.
const maxName = 48

// validName is stricter than PostgreSQL, so that a name is safe in a connection string, a URL and a log alike.
var validName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// Credentials are what a tenant connects with. Database and owner have the same name.
type Credentials struct {
	Database       string
	Owner          string // of all that is in the database; the database itself is the server's administrator's
	OwnerPassword  config.Secret
	Reader         string // may SELECT what the owner has made or will make, and nothing else
	ReaderPassword config.Secret
}

// Passwords are set by Ensure. An empty one is replaced by a new random one; to keep a password over several calls,
// pass it in again; to rotate it, do not.
type Passwords struct {
	Owner, Reader config.Secret
}

// Ensure makes the tenant called name where it is missing, sets its passwords, and puts its rights right. Calling it
// again is safe, also at the same time from elsewhere: the last passwords set hold. Rights inside the database need
// a connection to it, made from admin's own with only the database exchanged.
//
// admin is on any database of the server; its role is a superuser.
func Ensure(ctx context.Context, admin *pgxpool.Pool, name string, p Passwords) (Credentials, error) {
	c, err := credentialsFor(name, p)
	if err != nil {
		return Credentials{}, err
	}
	if err := ensure(ctx, admin, c); err != nil {
		return Credentials{}, store.Fault(fmt.Errorf("ensure tenant %s: %w", name, err))
	}
	return c, nil
}

func credentialsFor(name string, p Passwords) (Credentials, error) {
	if !validName.MatchString(name) || len(name) > maxName || name == "postgres" {
		return Credentials{}, fmt.Errorf("%q is no name for a tenant", name)
	}
	return Credentials{
		Database: name, Owner: name, Reader: name + readerSuffix,
		OwnerPassword: orRandom(p.Owner), ReaderPassword: orRandom(p.Reader),
	}, nil
}

func orRandom(password config.Secret) config.Secret {
	if password == "" {
		return config.Secret(rand.Text())
	}
	return password
}

func ensure(ctx context.Context, admin *pgxpool.Pool, c Credentials) error {
	return withLock(ctx, admin, c.Database, func(conn *pgx.Conn) error { return ensureLocked(ctx, admin, conn, c) })
}

func ensureLocked(ctx context.Context, admin *pgxpool.Pool, conn *pgx.Conn, c Credentials) error {
	if err := ensureRoles(ctx, conn, c); err != nil {
		return err
	}
	if err := ensureDatabase(ctx, conn, c); err != nil {
		return err
	}
	return grantInside(ctx, admin, c)
}

func ensureRoles(ctx context.Context, conn *pgx.Conn, c Credentials) error {
	if err := ensureRole(ctx, conn, c.Owner, c.OwnerPassword); err != nil {
		return err
	}
	return ensureRole(ctx, conn, c.Reader, c.ReaderPassword)
}

// withLock runs do while nobody else works on the tenant called name.
func withLock(ctx context.Context, admin *pgxpool.Pool, name string, do func(*pgx.Conn) error) error {
	conn, err := admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	unlock, err := lock(ctx, conn.Conn(), name)
	if err != nil {
		return err
	}
	defer unlock()
	return do(conn.Conn())
}

// lock keeps two callers from making the same tenant at once. CREATE DATABASE runs in no transaction, so the lock is
// the session's.
func lock(ctx context.Context, conn *pgx.Conn, name string) (unlock func(), err error) {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtextextended($1, 0))`, "tenant "+name); err != nil {
		return nil, err
	}
	return func() {
		// A failure means the connection is broken, which ends the session and its locks.
		_, _ = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, "tenant "+name)
	}, nil
}

// ensureRole sets every attribute, so that one changed by hand is put right. The server gets the password's verifier
// only: statements can end in a log.
func ensureRole(ctx context.Context, conn *pgx.Conn, name string, password config.Secret) error {
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, name).Scan(&exists); err != nil {
		return err
	}
	verb := "CREATE"
	if exists {
		verb = "ALTER"
	}
	verifier, err := Verifier(password.Reveal())
	if err != nil {
		return err
	}
	// Neither statement takes parameters. The name is ours (validName), the verifier is base64 with $ and :.
	_, err = conn.Exec(ctx, verb+` ROLE `+identifier(name)+
		` WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT PASSWORD '`+verifier+`'`)
	return err
}

func ensureDatabase(ctx context.Context, conn *pgx.Conn, c Credentials) error {
	var exists bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, c.Database).Scan(&exists)
	if err != nil {
		return err
	}
	database, owner, reader := identifier(c.Database), identifier(c.Owner), identifier(c.Reader)
	if !exists {
		// template0 holds nothing that somebody added to template1.
		if _, err := conn.Exec(ctx, `CREATE DATABASE `+database+` TEMPLATE template0 ENCODING 'UTF8'`); err != nil {
			return err
		}
	}
	return execute(ctx, conn,
		// Who owns a database may change what is noted on it, and let others in.
		`ALTER DATABASE `+database+` OWNER TO CURRENT_USER`,
		`ALTER DATABASE `+database+` ALLOW_CONNECTIONS true`,
		`REVOKE ALL ON DATABASE `+database+` FROM PUBLIC`,
		`GRANT CREATE, CONNECT, TEMPORARY ON DATABASE `+database+` TO `+owner,
		`GRANT CONNECT ON DATABASE `+database+` TO `+reader,
		`ALTER ROLE `+reader+` SET default_transaction_read_only = on`,
	)
}

// grantInside sets the rights on what is in the database, now and later.
func grantInside(ctx context.Context, admin *pgxpool.Pool, c Credentials) error {
	owner, reader := identifier(c.Owner), identifier(c.Reader)
	return inside(ctx, admin, c.Database, func(conn *pgx.Conn) error {
		return execute(ctx, conn,
			`REVOKE ALL ON SCHEMA public FROM PUBLIC`,
			`ALTER SCHEMA public OWNER TO `+owner,
			`GRANT USAGE ON SCHEMA public TO `+reader,
			`GRANT SELECT ON ALL TABLES IN SCHEMA public TO `+reader,
			`ALTER DEFAULT PRIVILEGES FOR ROLE `+owner+` IN SCHEMA public GRANT SELECT ON TABLES TO `+reader,
		)
	})
}

// inside runs do on a connection to the database, made from admin's own with only the database exchanged.
func inside(ctx context.Context, admin *pgxpool.Pool, database string, do func(*pgx.Conn) error) error {
	config := admin.Config().ConnConfig.Copy()
	config.Database = database
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// Drop removes the tenant called name with all its data, closing its connections. What is gone already is no error.
func Drop(ctx context.Context, admin *pgxpool.Pool, name string) error {
	c, err := credentialsFor(name, Passwords{})
	if err != nil {
		return err
	}
	err = withLock(ctx, admin, name, func(conn *pgx.Conn) error {
		return execute(ctx, conn,
			`DROP DATABASE IF EXISTS `+identifier(c.Database)+` WITH (FORCE)`,
			`DROP ROLE IF EXISTS `+identifier(c.Reader),
			`DROP ROLE IF EXISTS `+identifier(c.Owner),
		)
	})
	if err != nil {
		return store.Fault(fmt.Errorf("drop tenant %s: %w", name, err))
	}
	return nil
}

// execer is a connection or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func execute(ctx context.Context, conn execer, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func identifier(name string) string { return pgx.Identifier{name}.Sanitize() }
