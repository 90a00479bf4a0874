package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// Standing is where a customer's subscription stands, in our words; package payment says which of Stripe's states
// is which.
type Standing string

// The standings.
const (
	NeverPaid  Standing = ""           // no subscription yet
	Trial      Standing = "trial"      // has what was bought, pays later
	Paid       Standing = "paid"       // has what was bought
	Ending     Standing = "ending"     // paid and cancelled: has what was bought until the period ends
	PastDue    Standing = "past_due"   // a payment failed and is tried again: has what was bought meanwhile
	Unpaid     Standing = "unpaid"     // payments failed for good: free until the invoice is paid
	Unfinished Standing = "unfinished" // the first payment was never completed: free
	Paused     Standing = "paused"     // a trial ended without a way to pay: free
	Ended      Standing = "ended"      // cancelled and over: free
)

// Billing is what we know of a user as Stripe's customer.
type Billing struct {
	AccountID  string
	CustomerID string // Stripe's; empty for who never began to pay
	Standing   Standing
	PeriodEnd  *time.Time // when the paid period ends; nil without a subscription
	KeepUntil  *time.Time // until when things over the limits stay after a downgrade; nil without one
	Version    int64
}

const billingColumns = `account_id::text AS account_id, customer_id, standing, period_end, keep_until, version`

// BillingOf reads the user's billing; the zero Billing, with the account's id, for who never began to pay.
func (s *Store) BillingOf(ctx context.Context, userID string) (Billing, error) {
	b, err := s.billingWhere(ctx, `account_id = $1`, userID)
	if fault.Is(err, fault.NotFound) {
		return Billing{AccountID: userID}, nil
	}
	return b, err
}

func (s *Store) billingWhere(ctx context.Context, condition, value string) (Billing, error) {
	rows, _ := s.pool.Query(ctx, `SELECT `+billingColumns+` FROM billing WHERE `+condition, value)
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Billing])
	switch {
	case errors.Is(err, pgx.ErrNoRows) || store.Code(err) == store.InvalidTextRepresentation:
		return Billing{}, fault.Wrap(err, fault.NotFound, "There is no such customer.")
	case err != nil:
		return Billing{}, store.Fault(fmt.Errorf("find billing: %w", err))
	}
	return b, nil
}
