package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/store"
)

// claimLife is how long a claim counts: longer than the API server works on one request (34 seconds, whatever its
// client asks for), so that what was let in is in the cluster by then or never will be.
const claimLife = time.Minute

// claimLock is the first half of the advisory locks that Claim takes; the second is the owner's.
const claimLock int32 = 0x636c6d // "clm"

// Claim is one object that somebody is about to have in the cluster, and that counts against their limits.
type Claim struct {
	UserID    string
	Kind      string // of the custom resource
	Namespace string
	Name      string
}

// OpenClaim is a claim that still counts.
type OpenClaim struct {
	Kind      string
	Namespace string
	Name      string
	Left      time.Duration // until it counts for nothing
}

// Claim decides about one more object of the user's while nobody else does, and records it when decide lets it in.
// decide is given the user's open claims, c itself excepted: whoever asks for the same object again, asks for no
// other one. It must not use the store; its error is Claim's, and then nothing is recorded.
//
// Claims end by themselves. Who claims needs not know what became of the object.
func (s *Store) Claim(ctx context.Context, c Claim, decide func(open []OpenClaim) error) error {
	return s.decideOn(ctx, c, decide, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO claim (account_id, kind, namespace, name, expires_at)
			VALUES ($1, $2, $3, $4, clock_timestamp() + $5::interval)
			ON CONFLICT (account_id, kind, namespace, name) DO UPDATE SET expires_at = excluded.expires_at`,
			c.UserID, c.Kind, c.Namespace, c.Name, claimLife)
		return err
	})
}

// TryClaim is Claim that records nothing.
func (s *Store) TryClaim(ctx context.Context, c Claim, decide func(open []OpenClaim) error) error {
	return s.decideOn(ctx, c, decide, func(pgx.Tx) error { return nil })
}

func (s *Store) decideOn(ctx context.Context, c Claim, decide func([]OpenClaim) error, record func(pgx.Tx) error) error {
	var refusal error
	err := store.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		open, err := lockClaims(ctx, tx, c)
		if err != nil {
			return err
		}
		if refusal = decide(open); refusal != nil {
			return refusal
		}
		return record(tx)
	})
	switch {
	case refusal != nil:
		return refusal // no fault of the database, whatever it wraps
	case err != nil:
		return store.Fault(fmt.Errorf("claim %s %s/%s: %w", c.Kind, c.Namespace, c.Name, err))
	}
	return nil
}

// lockClaims makes others who decide about the same user wait until tx ends, and then reads what they have claimed.
// One round trip, but two statements: what a statement sees is settled when it begins, before it waits for a lock.
// Times are the database's: several instances decide, each with a clock of its own.
func lockClaims(ctx context.Context, tx pgx.Tx, c Claim) ([]OpenClaim, error) {
	var open []OpenClaim
	var batch pgx.Batch
	batch.Queue(`SELECT pg_advisory_xact_lock($1, hashtext($2))`, claimLock, c.UserID)
	batch.Queue(`DELETE FROM claim WHERE account_id = $1 AND expires_at <= clock_timestamp()`, c.UserID)
	batch.Queue(`
		SELECT kind, namespace, name, expires_at - clock_timestamp() AS left FROM claim
		WHERE account_id = $1 AND (kind, namespace, name) <> ($2, $3, $4)
		ORDER BY kind, namespace, name`, c.UserID, c.Kind, c.Namespace, c.Name).Query(func(rows pgx.Rows) (err error) {
		open, err = pgx.CollectRows(rows, pgx.RowToStructByName[OpenClaim])
		return err
	})
	return open, tx.SendBatch(ctx, &batch).Close()
}
