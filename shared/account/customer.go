package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// Customer is a user together with what we know of them as Stripe's customer.
type Customer struct {
	Billing
	User
}

// CustomerForEvent finds whom Stripe's customer is, and whether the event was applied before, in one question. It is
// NotFound where the customer is nobody's.
func (s *Store) CustomerForEvent(ctx context.Context, customerID string, key inbox.Key) (Customer, bool, error) {
	return s.customerForEvent(ctx, `customer_id = @who`, customerID, key)
}

// EverCustomerForEvent is [Store.CustomerForEvent] for an event that may be about a customer who was replaced since: a bank
// takes months to decide. The Customer returned holds the present one.
func (s *Store) EverCustomerForEvent(ctx context.Context, customerID string, key inbox.Key) (Customer, bool, error) {
	return s.customerForEvent(ctx, `customer_id = @who OR @who = ANY (former_customers)`, customerID, key)
}

// PayerForEvent is [Store.CustomerForEvent] for an event that names the user. It is NotFound for who never began to pay.
func (s *Store) PayerForEvent(ctx context.Context, userID string, key inbox.Key) (Customer, bool, error) {
	return s.customerForEvent(ctx, `account_id = @who`, userID, key)
}

func (s *Store) customerForEvent(ctx context.Context, condition, who string, key inbox.Key) (Customer, bool, error) {
	args := key.Args()
	args["who"] = who
	rows, _ := s.pool.Query(ctx, `
		SELECT `+billingColumns+`, `+userColumns+`, `+inbox.Processed+` AS done
		FROM billing JOIN account ON account.id = billing.account_id WHERE `+condition, args)
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[struct {
		Customer
		Done bool
	}])
	switch {
	case errors.Is(err, pgx.ErrNoRows) || store.Code(err) == store.InvalidTextRepresentation:
		return Customer{}, false, fault.Wrap(err, fault.NotFound, "There is no such customer.")
	case err != nil:
		return Customer{}, false, store.Fault(fmt.Errorf("find customer: %w", err))
	}
	return found.Customer, found.Done, nil
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

// ReplaceCustomer records that the user is another customer since Stripe has deleted the one called gone, unless somebody
// else did so already: then theirs stays. event.SyncRequested is in the outbox then, since nothing of what the deleted one
// had is paid for any more. The Billing returned holds the customer to use.
func (s *Store) ReplaceCustomer(ctx context.Context, userID, gone, customerID string) (Billing, error) {
	err := store.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE billing SET customer_id = $3, former_customers = former_customers || $2::text, updated_at = $4
			WHERE account_id = $1 AND customer_id = $2`, userID, gone, customerID, s.now())
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return announceSyncRequest(ctx, tx, userID)
	})
	if err != nil {
		return Billing{}, store.Fault(fmt.Errorf("replace customer: %w", err))
	}
	return s.BillingOf(ctx, userID)
}

// RequestSync puts event.SyncRequested into the outbox and gives the user's billing as it was before: whoever acts on the
// event makes its version a higher one.
func (s *Store) RequestSync(ctx context.Context, userID string) (Billing, error) {
	before, err := s.BillingOf(ctx, userID)
	if err != nil || before.CustomerID == "" {
		return before, err
	}
	err = store.InTx(ctx, s.pool, func(tx pgx.Tx) error { return announceSyncRequest(ctx, tx, userID) })
	if err != nil {
		return Billing{}, store.Fault(fmt.Errorf("request a sync: %w", err))
	}
	return before, nil
}

func announceSyncRequest(ctx context.Context, tx pgx.Tx, userID string) error {
	e, err := event.New(event.SourceAccounts, event.SyncRequested{Account: userID})
	if err != nil {
		return err
	}
	return outbox.Write(ctx, tx, e)
}
