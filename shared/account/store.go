package account

import (
	"embed"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/batch"
	"irc.now/shared/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations bring the tables of accounts. Numbers 3 and 5 were tables that have sets of their own now.
var Migrations = store.Set{Name: "accounts", Files: files, Table: store.FirstTable}

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
