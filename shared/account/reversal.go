package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/store"
)

// Reversal is money that went back to a user, or may.
type Reversal struct {
	ID        string // Stripe's, of the dispute or of the charge that was refunded
	Kind      ReversalKind
	Status    ReversalStatus
	Amount    int64 // in the currency's smallest unit
	Currency  string
	UpdatedAt time.Time
}

// ReversalKind says who had the money go back.
type ReversalKind string

// The kinds.
const (
	Refund  ReversalKind = "refund"  // we did
	Dispute ReversalKind = "dispute" // the user's bank did, or is asked to
)

// ReversalStatus is how far it has come.
type ReversalStatus string

// What a refund can be, and a dispute.
const (
	Part  ReversalStatus = "part"
	Whole ReversalStatus = "whole"
	Open  ReversalStatus = "open"
	Won   ReversalStatus = "won"  // by us: the payment stands
	Lost  ReversalStatus = "lost" // by us: the payment is gone
)

// KeepReversal writes down what Stripe says of one now.
func (s *Store) KeepReversal(ctx context.Context, userID string, r Reversal) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO reversal (id, account_id, kind, status, amount, currency, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, amount = excluded.amount, updated_at = excluded.updated_at`,
		r.ID, userID, r.Kind, r.Status, r.Amount, r.Currency, s.now())
	if err != nil {
		return store.Fault(fmt.Errorf("keep reversal %s: %w", r.ID, err))
	}
	return nil
}

// shownReversals bounds what a page shows; nobody has as many.
const shownReversals = 24

// ReversalsOf are the user's, the newest first.
func (s *Store) ReversalsOf(ctx context.Context, userID string) ([]Reversal, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT id, kind, status, amount, currency, updated_at FROM reversal
		WHERE account_id = $1 ORDER BY updated_at DESC LIMIT $2`, userID, shownReversals)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Reversal])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("list reversals: %w", err))
	}
	return found, nil
}
