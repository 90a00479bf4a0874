package account

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/batch"
	"irc.now/shared/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the accounts database at url to the present schema. It is cheap where nothing is to be done, and
// safe when several programs start at once.
func Migrate(ctx context.Context, url string) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return store.Migrate(ctx, url, files)
}

// Open makes a pool for the accounts database at url, which it brings to the present schema before it returns. ctx
// bounds that alone. Where nothing is to be done it costs less than Migrate and a pool's first connection.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return store.OpenMigrated(ctx, url, files)
}

// Store keeps accounts in PostgreSQL. It is safe for concurrent use.
//
// Faults it returns: NotFound for what is not there or not the user's, Invalid and Conflict for what cannot be stored,
// Unavailable when the database is away.
type Store struct {
	pool *pgxpool.Pool
	now  func() time.Time

	passwords *batch.Batcher[string, candidate] // by id
}

// Option changes a Store as it is made.
type Option func(*Store)

// WithClock makes the store read the time from now, for tests.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// NewStore makes a store on pool, which stays the caller's to close.
func NewStore(pool *pgxpool.Pool, options ...Option) *Store {
	s := &Store{pool: pool, now: time.Now}
	for _, option := range options {
		option(s)
	}
	s.passwords = batch.New(lookups, s.candidates)
	return s
}
