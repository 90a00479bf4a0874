package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// consumer is our name among those that processed an event.
const consumer = "billing"

// maxTries bounds how often Stripe is asked again because somebody else synced the customer meanwhile. Of any number
// of events at once one gets through at each try.
const maxTries = 10

// Outcomes of an event, for the metric.
const (
	changed   = "changed"
	unchanged = "unchanged"
	repeated  = "repeated"
	ignored   = "ignored"
	failed    = "failed"
)

// tells reports whether events of a kind may mean that a customer has something else than before. Stripe says most
// things several times over; asking it for each would be many times the work for the same end.
func tells(kind string) bool {
	switch kind {
	case "checkout.session.completed", "invoice.paid", "invoice.payment_failed", "customer.deleted":
		return true
	default:
		return strings.HasPrefix(kind, "customer.subscription.")
	}
}

// apply syncs the customer that e is about and says what came of it.
func (f *Function) apply(ctx context.Context, e event.Event) (outcome string, err error) {
	notice, err := event.Decode[event.StripeNotice](e)
	if err != nil {
		return failed, fault.Wrap(err, fault.Invalid, "This is not an event of Stripe's.")
	}
	if !tells(notice.Kind) || notice.Customer == "" {
		return ignored, nil
	}
	key := inbox.Key{Consumer: consumer, Source: e.Source(), ID: e.ID()}
	outcome, err = f.sync(ctx, notice.Customer, key)
	if fault.Is(err, fault.NotFound) {
		// The same Stripe account may sell other things to other people.
		f.log.InfoContext(ctx, "event about a customer of nobody", "event", e.ID(), "customer", notice.Customer)
		return ignored, nil
	}
	if err != nil {
		return failed, fmt.Errorf("apply event %s: %w", e.ID(), err)
	}
	return outcome, nil
}

// sync asks Stripe what the customer has and writes it, again from the start when another did so in between.
func (f *Function) sync(ctx context.Context, customerID string, key inbox.Key) (string, error) {
	for range maxTries {
		outcome, err := f.syncOnce(ctx, customerID, key)
		if !errors.Is(err, account.ErrMoved) {
			return outcome, err
		}
	}
	return failed, fault.Wrap(account.ErrMoved, fault.Unavailable, "Too much happens to this customer at once.")
}

func (f *Function) syncOnce(ctx context.Context, customerID string, key inbox.Key) (string, error) {
	// The version is read before Stripe is asked: if nobody has written when we write, our answer is the newest.
	billing, done, err := f.accounts.BillingForEvent(ctx, customerID, key)
	if err != nil {
		return failed, err
	}
	if done {
		return repeated, nil
	}
	to, err := f.ask(ctx, billing)
	if err != nil {
		return failed, err
	}
	return f.write(ctx, customerID, key, to)
}

// ask asks Stripe what the customer has now.
func (f *Function) ask(ctx context.Context, b account.Billing) (account.BillingState, error) {
	state, err := f.stripe.State(ctx, b.CustomerID)
	if err != nil {
		return account.BillingState{}, err
	}
	if len(state.Unknown) > 0 {
		f.log.ErrorContext(ctx, "a customer pays for prices that no product has",
			"user", b.AccountID, "prices", state.Unknown)
	}
	return account.BillingState{
		Version: b.Version, Standing: state.Standing, PeriodEnd: state.PeriodEnd, Holdings: state.Holdings,
	}, nil
}

// write makes the event's mark, the new state and the event of ours true together.
func (f *Function) write(
	ctx context.Context, customerID string, key inbox.Key, to account.BillingState,
) (outcome string, err error) {
	var synced account.Synced
	err = store.InTx(ctx, f.Pool, func(tx pgx.Tx) error {
		first, err := inbox.Mark(ctx, tx, key, time.Now())
		if err != nil || !first {
			outcome = repeated
			return err
		}
		synced, err = f.syncIn(ctx, tx, customerID, to)
		outcome = outcomeOf(synced)
		return err
	})
	if err != nil {
		return failed, err
	}
	if outcome == changed {
		f.relay.Wake()
		f.log.InfoContext(ctx, "account synced", "user", synced.After.ID,
			"plan", synced.After.Plan, "standing", to.Standing, "event", key.ID)
	}
	return outcome, nil
}

// syncIn writes within tx what the customer has, and our event where that is something else than before.
func (f *Function) syncIn(
	ctx context.Context, tx pgx.Tx, customerID string, to account.BillingState,
) (account.Synced, error) {
	synced, err := f.accounts.Sync(ctx, tx, customerID, to)
	if err != nil || !synced.Changed() {
		return synced, err
	}
	return synced, announce(ctx, tx, event.PlanChanged{
		Account: synced.After.ID, From: string(synced.Before.Plan), To: string(synced.After.Plan),
	})
}

func outcomeOf(s account.Synced) string {
	if s.Changed() {
		return changed
	}
	return unchanged
}

func announce(ctx context.Context, tx pgx.Tx, fact event.Payload) error {
	e, err := event.New(event.SourceAccounts, fact)
	if err != nil {
		return err
	}
	return outbox.Write(ctx, tx, e)
}
