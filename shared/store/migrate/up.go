// Package migrate changes schemas: it brings migration sets to databases, and gives roles what they may do there.
//
// Only the program that is run once per release, one machine's platform, and tests link it: functions check what
// they find, and wait.
package migrate

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"irc.now/shared/store"
)

// migrationLock is the advisory lock that whoever migrates a database holds. Any number does; it is ours alone since
// advisory locks are per database. Older releases take the same one.
const migrationLock int64 = 0x6972632e6e6f77 // "irc.now"

const connectTimeout = 5 * time.Second

// Up applies the migrations of sets that the database at url has not seen, as the role that url names; what it makes
// belongs to that role. Several programs may call it at once: one works, the others wait. Where nothing is to be done
// it costs one connection and one query. A database that is newer than sets is left alone.
func Up(ctx context.Context, url string, sets ...store.Set) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	config.ConnectTimeout = connectTimeout
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return store.Fault(fmt.Errorf("migrate: %w", err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	lags, err := store.Lags(ctx, conn, sets)
	if err != nil || len(lags) == 0 {
		return store.Fault(err)
	}
	// Closing the connection releases the lock, whatever happens.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return store.Fault(fmt.Errorf("migrate: lock: %w", err))
	}
	for _, lag := range lags {
		if err := up(ctx, config, lag.Set); err != nil {
			return store.Fault(fmt.Errorf("migrate %s: %w", lag.Set.Name, err))
		}
	}
	return nil
}

// up looks again at what is to be done, since the first look was without the lock.
func up(ctx context.Context, config *pgx.ConnConfig, set store.Set) error {
	files, err := fs.Sub(set.Files, store.MigrationsFolder)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(set.VersionTable()))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
