package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// migrationLock is the advisory lock that whoever migrates a database holds. Any number does; it is ours alone since
// advisory locks are per database.
const migrationLock int64 = 0x6972632e6e6f77 // "irc.now"

// Migrate applies the migrations at the root of files (goose's format, "00001_what.sql") that the database at url has
// not seen. Several programs may call it at once: one works, the others wait. Where nothing is to be done it costs
// one connection and one query. A database newer than files is left alone: code has to run before and after each
// migration.
func Migrate(ctx context.Context, url string, files fs.FS) error {
	newest, err := newestVersion(files)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	config.ConnectTimeout = connectTimeout
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return Fault(fmt.Errorf("migrate: %w", err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	present, err := presentVersion(ctx, conn)
	if err != nil || present >= newest {
		return Fault(err)
	}
	// Closing the connection releases the lock, whatever happens.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return Fault(fmt.Errorf("migrate: lock: %w", err))
	}
	return up(ctx, config, files)
}

func newestVersion(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the name of migration %s does not start with a number", name)
		}
		newest = max(newest, version)
	}
	if newest == 0 {
		return 0, errors.New("there are no migrations")
	}
	return newest, nil
}

// queryer is a connection or a pool.
type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// presentVersion is 0 for a database that was never migrated.
func presentVersion(ctx context.Context, db queryer) (version int64, err error) {
	err = db.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM `+goose.DefaultTablename+` WHERE is_applied`,
		pgx.QueryExecModeSimpleProtocol).Scan(&version)
	if Code(err) == UndefinedTable {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("migrate: read version: %w", err)
	}
	return version, nil
}

func up(ctx context.Context, config *pgx.ConnConfig, files fs.FS) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
