package store

import (
	"context"
	"fmt"
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
