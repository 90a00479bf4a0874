package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	maxTries   = 8
	firstPause = 2 * time.Millisecond
)

// Beginner starts transactions: a pool, a connection, or a transaction (which makes a savepoint).
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// InTx runs do in a transaction, which is committed when do returns nil and rolled back otherwise. When PostgreSQL
// gives up on a serialisation failure or a deadlock, do runs again from the start, up to eight times in all; so do
// must change nothing but the database. The error is do's own, or wrapped, and has been through [Fault].
func InTx(ctx context.Context, db Beginner, do func(pgx.Tx) error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, db, do)
		if code := Code(err); try == maxTries || code != SerializationFailure && code != DeadlockDetected {
			return Fault(err)
		}
		// Without a random part the two that collided would collide again.
		jitter := rand.N(pause) //nolint:gosec // spreading retries needs no secrecy
		if waitErr := wait(ctx, pause+jitter); waitErr != nil {
			return fmt.Errorf("%w, while waiting after: %w", waitErr, err)
		}
		pause *= 2
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
