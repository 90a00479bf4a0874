package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/event/inbox"
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

// BillingForEvent finds whom Stripe's customer is, and whether the event was applied before, in one question. It is
// NotFound where the customer is nobody's.
func (s *Store) BillingForEvent(ctx context.Context, customerID string, key inbox.Key) (Billing, bool, error) {
	args := key.Args()
	args["customer"] = customerID
	rows, _ := s.pool.Query(ctx, `
		SELECT `+billingColumns+`, `+inbox.Processed+` AS done
		FROM billing WHERE customer_id = @customer`, args)
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[struct {
		Billing
		Done bool
	}])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Billing{}, false, fault.Wrap(err, fault.NotFound, "There is no such customer.")
	case err != nil:
		return Billing{}, false, store.Fault(fmt.Errorf("find billing: %w", err))
	}
	return found.Billing, found.Done, nil
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

// LinkCustomer records that the user is Stripe's customer of this id, unless one is recorded already: the first stays.
// The Billing returned holds the customer to use.
func (s *Store) LinkCustomer(ctx context.Context, userID, customerID string) (Billing, error) {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO billing (account_id, customer_id, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (account_id) DO NOTHING`, userID, customerID, s.now())
	if err != nil {
		return Billing{}, store.Fault(fmt.Errorf("link customer: %w", err))
	}
	return s.BillingOf(ctx, userID)
}

// BillingState is what a customer has, as Stripe said after Version had been read.
type BillingState struct {
	Version   int64
	Standing  Standing
	PeriodEnd *time.Time
	Holdings  Holdings
}

// Synced is what a state changed.
type Synced struct {
	Before, After User
	KeepUntil     *time.Time // set by this state when it took something away
}

// Changed reports whether the user has other things than before.
func (s Synced) Changed() bool { return s.Before.Holdings() != s.After.Holdings() }

// ErrMoved says that somebody else synced the customer in between: ask Stripe again.
var ErrMoved = errors.New("the customer was synced by another")

// Sync writes within tx what the customer has. It is ErrMoved, with nothing written, where the billing's version is
// not the state's, and NotFound for a customer of nobody. It deletes nothing that a lower limit does not allow.
func (s *Store) Sync(ctx context.Context, tx pgx.Tx, customerID string, to BillingState) (Synced, error) {
	result, err := s.giveHoldings(ctx, tx, customerID, to)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Synced{}, whyNotSynced(ctx, tx, customerID)
	case err != nil:
		return Synced{}, store.Fault(fmt.Errorf("sync customer: %w", err))
	case result.After.Entitlements().Covers(result.Before.Entitlements()):
		return result, nil
	}
	until := s.now().Add(Grace)
	result.KeepUntil = &until
	_, err = tx.Exec(ctx, `UPDATE billing SET keep_until = $2 WHERE customer_id = $1`, customerID, until)
	if err != nil {
		return Synced{}, store.Fault(fmt.Errorf("sync customer: %w", err))
	}
	return result, nil
}

// whyNotSynced asks within tx: a second connection of the pool while this one is held could be waited for in vain.
func whyNotSynced(ctx context.Context, tx pgx.Tx, customerID string) error {
	var known bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM billing WHERE customer_id = $1)`, customerID).Scan(&known)
	switch {
	case err != nil:
		return store.Fault(fmt.Errorf("find billing: %w", err))
	case !known:
		return fault.New(fault.NotFound, "There is no such customer.")
	default:
		return ErrMoved
	}
}

// giveHoldings writes billing and account in one statement, since there are many of them at a month's end. Both parts
// that read the account see it as it was before; the lock on the billing's row keeps others from settling meanwhile.
func (s *Store) giveHoldings(ctx context.Context, tx pgx.Tx, customerID string, to BillingState) (Synced, error) {
	h := to.Holdings.Normal()
	rows, _ := tx.Query(ctx, `
		WITH synced AS (
			UPDATE billing SET standing = $3, period_end = $4, version = version + 1, updated_at = $5
			WHERE customer_id = $1 AND version = $2 RETURNING account_id),
		before AS (
			SELECT `+userColumns+`, 0 AS step FROM account WHERE id IN (SELECT account_id FROM synced)),
		after AS (
			UPDATE account SET plan = $6, log_search = $7, extra_bots = $8, hosting = $9
			WHERE id IN (SELECT account_id FROM synced) RETURNING `+userColumns+`, 1 AS step)
		SELECT * FROM before UNION ALL SELECT * FROM after ORDER BY step`,
		customerID, to.Version, to.Standing, to.PeriodEnd, s.now(), h.Plan, h.LogSearch, h.ExtraBots, h.Hosting)
	both, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct {
		User
		Step int
	}])
	if err != nil {
		return Synced{}, err
	}
	if len(both) != 2 {
		return Synced{}, pgx.ErrNoRows
	}
	return Synced{Before: both[0].User, After: both[1].User}, nil
}
