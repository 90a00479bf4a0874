package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/fault"
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

// apply syncs the customer that e, an event of Stripe's, is about and says what came of it.
func (f *Function) apply(ctx context.Context, e event.Event) (outcome string, err error) {
	notice, err := event.Decode[event.StripeNotice](e)
	if err != nil {
		return failed, fault.Wrap(err, fault.Invalid, "This is not an event of Stripe's.")
	}
	if r, found, err := f.reversal(ctx, notice); err != nil || found {
		if err != nil {
			return failed, fmt.Errorf("apply event %s: %w", e.ID(), err)
		}
		return f.reverse(ctx, e, r)
	}
	if !tells(notice.Kind) || notice.Customer == "" {
		return ignored, nil
	}
	return f.syncFor(ctx, e, func(key inbox.Key) (account.Customer, bool, error) {
		return f.accounts.CustomerForEvent(ctx, notice.Customer, key)
	})
}

// applyRequest syncs the customer that e, an event of ours, asks for.
func (f *Function) applyRequest(ctx context.Context, e event.Event) (outcome string, err error) {
	request, err := event.Decode[event.SyncRequested](e)
	if err != nil {
		return failed, fault.Wrap(err, fault.Invalid, "This is no request for a sync.")
	}
	return f.syncFor(ctx, e, func(key inbox.Key) (account.Customer, bool, error) {
		return f.accounts.PayerForEvent(ctx, request.Account, key)
	})
}

func keyOf(e event.Event) inbox.Key {
	return inbox.Key{Consumer: consumer, Source: e.Source(), ID: e.ID()}
}

// find gives the customer of an event, and whether the event was applied already.
type find func(inbox.Key) (account.Customer, bool, error)

// syncFor asks Stripe what the customer has and writes it, again from the start when another did so in between.
func (f *Function) syncFor(ctx context.Context, e event.Event, whom find) (outcome string, err error) {
	for range maxTries {
		outcome, err = f.syncOnce(ctx, keyOf(e), whom)
		if !errors.Is(err, account.ErrMoved) {
			break
		}
		err = fault.Wrap(err, fault.Unavailable, "Too much happens to this customer at once.")
	}
	if fault.Is(err, fault.NotFound) {
		// The same Stripe account may sell other things to other people.
		f.log.InfoContext(ctx, "event about a customer of nobody", "event", e.ID(), "subject", e.Subject())
		return ignored, nil
	}
	if err != nil {
		return failed, fmt.Errorf("apply event %s: %w", e.ID(), err)
	}
	return outcome, nil
}

func (f *Function) syncOnce(ctx context.Context, key inbox.Key, whom find) (string, error) {
	// The version is read before Stripe is asked: if nobody has written when we write, our answer is the newest.
	customer, done, err := whom(key)
	if err != nil {
		return failed, err
	}
	if done {
		return repeated, nil
	}
	to, err := f.ask(ctx, customer.Billing)
	if err != nil {
		return failed, err
	}
	synced, err := f.accounts.Sync(ctx, f.Pool, customer, to, key)
	switch {
	case err != nil:
		return failed, err
	case !synced.Changed():
		return unchanged, nil
	}
	f.relay.Wake()
	f.log.InfoContext(ctx, "account synced", "user", synced.After.ID,
		"plan", synced.After.Plan, "standing", to.Standing, "event", key.ID)
	return changed, nil
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
	return account.BillingState{Standing: state.Standing, PeriodEnd: state.PeriodEnd, Holdings: state.Holdings}, nil
}
