package store

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connectTimeout   = 5 * time.Second
	statementTimeout = "15s" // a backstop; calls have deadlines of their own
	idleTime         = 5 * time.Minute
)

// Open makes a pool for the database at url. It does not connect: a program may start while its database is away, and
// its first query then says so. The URL may set pool_max_conns; 4 or the number of CPUs is the limit otherwise.
// An error never holds the password.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.MaxConnIdleTime = idleTime
	if _, given := config.ConnConfig.RuntimeParams["statement_timeout"]; !given {
		config.ConnConfig.RuntimeParams["statement_timeout"] = statementTimeout
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

// OpenMigrated makes a pool as [Open] does, for a database that it brings up to date as [Migrate] does. Where nothing
// is to be done that costs one query, on a connection that the pool keeps.
func OpenMigrated(ctx context.Context, url string, files fs.FS) (*pgxpool.Pool, error) {
	newest, err := newestVersion(files)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	pool, err := Open(context.WithoutCancel(ctx), url) // it outlives ctx
	if err != nil {
		return nil, err
	}
	present, err := presentVersion(ctx, pool)
	if err == nil && present < newest {
		err = Migrate(ctx, url, files)
	}
	if err != nil {
		pool.Close()
		return nil, Fault(err)
	}
	return pool, nil
}
