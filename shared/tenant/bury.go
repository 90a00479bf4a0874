package tenant

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/store"
)

const (
	buriedPrefix = "deleted_"
	// maxBuried leaves room for prefix, time and the reader's suffix in PostgreSQL's 63 characters.
	maxBuried = 37
)

// Bury puts the tenant called name aside under another name: its connections are ended, its roles cannot log in any
// more, and Sweep drops it after until. It comes back by renaming, which is for an administrator: see the decision on
// tombstones. One that was never finished goes at once, since there is nothing in it.
//
// A database that is not owner's is left alone. What is gone already is no error; interrupted, it is taken up again.
func Bury(ctx context.Context, admin *pgxpool.Pool, name, owner string, now, until time.Time) error {
	c, err := credentialsFor(name, Passwords{})
	if err != nil {
		return err
	}
	if len(name) > maxBuried || !validOwner.MatchString(owner) {
		return fmt.Errorf("bury tenant %s: the name is too long, or %q is no owner", name, owner)
	}
	err = withLock(ctx, admin, name, func(conn *pgx.Conn) error { return bury(ctx, conn, c, owner, now, until) })
	if err != nil {
		return store.Fault(fmt.Errorf("bury tenant %s: %w", name, err))
	}
	return nil
}

func bury(ctx context.Context, conn *pgx.Conn, c Credentials, owner string, now, until time.Time) error {
	if _, err := dropUnfinished(ctx, conn, c, func(note string) bool { return note == noteOf(owner) }); err != nil {
		return err
	}
	found, err := look(ctx, conn, c)
	if err != nil || !found.database || found.note != noteOf(owner) {
		return err
	}
	err = execute(ctx, conn,
		`ALTER DATABASE `+identifier(c.Database)+` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+c.Database+`'`,
	)
	if err != nil {
		return err
	}
	tomb := buriedPrefix + c.Database + "_" + strconv.FormatInt(now.Unix(), 10)
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := comment(ctx, tx, c.Database, buriedNote(owner, until)); err != nil {
			return err
		}
		if err := rename(ctx, tx, c.Owner, tomb); err != nil {
			return err
		}
		if err := rename(ctx, tx, c.Reader, tomb+readerSuffix); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `ALTER DATABASE `+identifier(c.Database)+` RENAME TO `+identifier(tomb))
		return err
	})
}

// rename takes the role's login away too. A role that is gone already is left out.
func rename(ctx context.Context, tx pgx.Tx, role, tomb string) error {
	var exists bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role).Scan(&exists); err != nil || !exists {
		return err
	}
	for _, sql := range []string{
		`ALTER ROLE ` + identifier(role) + ` NOLOGIN PASSWORD NULL`,
		`ALTER ROLE ` + identifier(role) + ` RENAME TO ` + identifier(tomb),
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// Sweep drops the buried tenants whose time is over at now, with their roles, and those that were never finished, and
// returns their databases' names. It goes on after one that cannot be dropped, and reports all such.
func Sweep(ctx context.Context, admin *pgxpool.Pool, now time.Time) ([]string, error) {
	due, err := dueAt(ctx, admin, now)
	if err != nil {
		return nil, store.Fault(fmt.Errorf("find buried tenants: %w", err))
	}
	dropped, err := sweepUnfinished(ctx, admin)
	failures := []error{err}
	for _, name := range due {
		err := withLock(ctx, admin, name, func(conn *pgx.Conn) error {
			return execute(ctx, conn,
				`DROP DATABASE IF EXISTS `+identifier(name)+` WITH (FORCE)`,
				`DROP ROLE IF EXISTS `+identifier(name+readerSuffix),
				`DROP ROLE IF EXISTS `+identifier(name),
			)
		})
		if err != nil {
			failures = append(failures, fmt.Errorf("drop buried tenant %s: %w", name, err))
			continue
		}
		dropped = append(dropped, name)
	}
	return dropped, store.Fault(errors.Join(failures...))
}

// dueAt reads the notes. A database with the prefix but without a note that we can read is nobody's to drop.
func dueAt(ctx context.Context, admin *pgxpool.Pool, now time.Time) ([]string, error) {
	rows, err := admin.Query(ctx, `SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database
		WHERE starts_with(datname, $1) AND shobj_description(oid, 'pg_database') IS NOT NULL ORDER BY datname`, buriedPrefix)
	if err != nil {
		return nil, err
	}
	var due []string
	var name, note string
	_, err = pgx.ForEachRow(rows, []any{&name, &note}, func() error {
		_, date, found := strings.Cut(note, " until ")
		until, err := time.Parse(time.RFC3339, date)
		if strings.HasPrefix(note, notePrefix) && found && err == nil && !now.Before(until) {
			due = append(due, name)
		}
		return nil
	})
	return due, err
}
