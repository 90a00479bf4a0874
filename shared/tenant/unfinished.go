package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// asidePrefix is of databases that are being made.
const asidePrefix = "making_"

// makeAside makes the database under another name and renames it when it is whole and noted. Making one and noting
// whose it is are two steps; without this, who is killed between them would find somebody else's database ever after.
func makeAside(ctx context.Context, admin *pgxpool.Pool, conn *pgx.Conn, c Credentials, note string) error {
	aside := unfinished(c)
	if err := ensureLocked(ctx, admin, conn, aside); err != nil {
		return err
	}
	if err := comment(ctx, conn, aside.Database, note); err != nil {
		return err
	}
	return execute(ctx, conn, `ALTER DATABASE `+identifier(aside.Database)+` RENAME TO `+identifier(c.Database))
}

func unfinished(c Credentials) Credentials {
	c.Database = asidePrefix + c.Database
	return c
}

// dropUnfinished drops what a maker that was killed has left: the database under its first name, and the roles unless a
// whole one needs them. conn holds the tenant's lock, so nobody is making it now, and nobody was ever given it: there is
// nothing in it. One without the tenant's role, which is made before it, or with a note that is not mine is left alone.
func dropUnfinished(ctx context.Context, conn *pgx.Conn, c Credentials, mine func(note string) bool) (dropped bool, err error) {
	aside := unfinished(c)
	found, err := look(ctx, conn, aside)
	_, role := found.verifiers[c.Owner]
	if err != nil || !found.database || !role || found.note != "" && !mine(found.note) {
		return false, err
	}
	whole, err := look(ctx, conn, c)
	if err != nil {
		return false, err
	}
	statements := []string{`DROP DATABASE ` + identifier(aside.Database) + ` WITH (FORCE)`}
	if !whole.database {
		statements = append(statements, `DROP ROLE IF EXISTS `+identifier(c.Reader), `DROP ROLE `+identifier(c.Owner))
	}
	return true, execute(ctx, conn, statements...)
}

// sweepUnfinished drops all that was left so, whoever it was for: who still wants a tenant makes it anew.
func sweepUnfinished(ctx context.Context, admin *pgxpool.Pool) (dropped []string, err error) {
	rows, err := admin.Query(ctx, `SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY datname`, asidePrefix)
	if err != nil {
		return nil, fmt.Errorf("find unfinished tenants: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find unfinished tenants: %w", err)
	}
	var failures []error
	for _, name := range names {
		c, err := credentialsFor(strings.TrimPrefix(name, asidePrefix), Passwords{})
		if err != nil {
			continue // no tenant is called that
		}
		err = withLock(ctx, admin, c.Database, func(conn *pgx.Conn) error {
			gone, err := dropUnfinished(ctx, conn, c, ofAnyOwner)
			if gone && err == nil {
				dropped = append(dropped, name)
			}
			return err
		})
		if err != nil {
			failures = append(failures, fmt.Errorf("drop unfinished tenant %s: %w", c.Database, err))
		}
	}
	return dropped, errors.Join(failures...)
}

func ofAnyOwner(note string) bool {
	owner, found := strings.CutPrefix(note, notePrefix)
	return found && validOwner.MatchString(owner)
}
