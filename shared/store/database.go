package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// How long a program waits for a database that is behind, and how often it looks: a release's new programs may start
// before its migrations have run.
const (
	patience  = 2 * time.Minute
	firstLook = 100 * time.Millisecond
	lastLook  = 5 * time.Second
)

// ErrNotOpen is why a database that was not opened is not ready.
var ErrNotOpen = errors.New("the database is not open yet")

// Database is a pool with all that a program needs around it: a check of the schema, metrics, readiness and close.
// Programs embed it. Make it with [NewDatabase], or [OpenDatabase] where nobody waits for metrics and logs.
//
// It never changes a schema. Open and Wait are for one goroutine, and what the pool offers is to be used once Wait has
// returned; everything else may be called at any time.
type Database struct {
	*pgxpool.Pool // nil before Open

	name string
	sets []Set
	log  *slog.Logger

	open    atomic.Pointer[pgxpool.Pool] // Pool, for whoever may ask at any time
	waiting atomic.Pointer[behindError]  // what it waits for
	checked chan error                   // gets the outcome of the check
	giveUp  context.CancelFunc           // of the check
}

// NewDatabase describes the database called name, of which the program uses the tables of sets.
func NewDatabase(name string, sets ...Set) *Database {
	return &Database{name: name, sets: sets, log: slog.New(slog.DiscardHandler)}
}

// OpenDatabase is NewDatabase, Open and Wait. Nothing is left open where it fails.
func OpenDatabase(ctx context.Context, url config.Secret, name string, sets ...Set) (*Database, error) {
	d := NewDatabase(name, sets...)
	if err := d.Open(ctx, url); err != nil {
		return nil, err
	}
	if err := d.Wait(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// LogTo says where to tell that the database is behind; nobody is told before.
func (d *Database) LogTo(log *slog.Logger) { d.log = log }

// Open makes the pool and begins to check the schema while the program does something else; [Database.Wait] says what
// came of it. Its own error is for an address that is none. ctx bounds the check.
func (d *Database) Open(ctx context.Context, url config.Secret) error {
	pool, err := Open(context.WithoutCancel(ctx), url.Reveal()) // it outlives ctx
	if err != nil {
		return err
	}
	checked := make(chan error, 1)
	ctx, d.giveUp = context.WithTimeout(ctx, patience)
	d.Pool, d.checked = pool, checked
	d.open.Store(pool)
	go func() { checked <- d.check(ctx, pool) }()
	return nil
}

// Wait returns once the database is known to have what the program needs. A database that is behind is waited for, up
// to two minutes or the end of Open's ctx; the error then says what to do. Where it fails, the pool is closed,
// and Open may be tried again.
func (d *Database) Wait(ctx context.Context) error {
	if d.open.Load() == nil {
		return ErrNotOpen
	}
	defer d.giveUp()
	var err error
	select {
	case err = <-d.checked:
	case <-ctx.Done():
		d.giveUp()
		err = <-d.checked // at once; it knows better than ctx what was waited for
	}
	if err != nil {
		d.Close()
	}
	return err
}

func (d *Database) check(ctx context.Context, pool *pgxpool.Pool) error {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		err := d.look(ctx, pool)
		behind, is := errors.AsType[*behindError](err)
		switch {
		case is:
			d.wait(ctx, behind)
		case ctx.Err() != nil && d.waiting.Load() != nil:
			err = d.waiting.Load() // it was about to look once more
		default:
			d.waiting.Store(nil)
			return Fault(err)
		}
		if wait(ctx, pause) != nil {
			return fault.Wrap(err, fault.Unavailable, "Our database is being brought up to date. Please try again shortly.")
		}
	}
}

// wait remembers what the database lacks, and says it where it is something else than before.
func (d *Database) wait(ctx context.Context, behind *behindError) {
	if before := d.waiting.Swap(behind); before == nil || before.Error() != behind.Error() {
		d.log.WarnContext(ctx, "waiting for the database's schema", "reason", behind)
	}
}

// look asks the pool, which keeps the connection.
func (d *Database) look(ctx context.Context, pool *pgxpool.Pool) error {
	lags, err := Lags(ctx, pool, d.sets)
	switch code := Code(err); {
	case code == InvalidCatalogName || code == InsufficientPrivilege:
		return &behindError{database: d.name, cause: err}
	case err != nil:
		return fmt.Errorf("open the database %s: %w", d.name, err)
	case len(lags) > 0:
		return &behindError{database: d.name, lags: lags}
	}
	return nil
}

// behindError says what a database lacks, and what to do.
type behindError struct {
	database string
	lags     []Lag
	cause    error // that it may not even be looked at
}

func (e *behindError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("the database %s is not there, or not for this program's role: run the schema job first (%v)", e.database, e.cause)
	}
	var lacks []string
	for _, lag := range e.lags {
		lacks = append(lacks, fmt.Sprintf("at version %d of set %s, this program needs %d", lag.Has, lag.Set.Name, lag.Needed))
	}
	return fmt.Sprintf("the database %s is %s: run the schema job first", e.database, strings.Join(lacks, "; "))
}

func (e *behindError) Unwrap() error { return e.cause }

// Ready reports whether the database can be worked with now, and why not.
func (d *Database) Ready(ctx context.Context) (bool, error) {
	pool := d.open.Load()
	if pool == nil {
		return false, ErrNotOpen
	}
	if behind := d.waiting.Load(); behind != nil {
		return false, behind
	}
	if err := pool.Ping(ctx); err != nil {
		return false, fmt.Errorf("reach the database %s: %w", d.name, err)
	}
	return true, nil
}

// Collector reports how full the pool is. It may be registered before the database is open, and reports nothing then.
func (d *Database) Collector() prometheus.Collector {
	return newPoolCollector(d.name, func() *pgxpool.Stat {
		if pool := d.open.Load(); pool != nil {
			return pool.Stat()
		}
		return nil
	})
}

// Close ends the connections, once those in use are given back. It is safe to repeat, and before Open.
func (d *Database) Close() {
	if pool := d.open.Swap(nil); pool != nil {
		d.giveUp()
		pool.Close()
	}
}

// Stop is Close as a function's last step.
func (d *Database) Stop(context.Context) error {
	d.Close()
	return nil
}
