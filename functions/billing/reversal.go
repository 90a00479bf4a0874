package billing

import (
	"context"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
)

// reversal asks Stripe for the money that went back, where notice is about such. An event is a hint here, too.
func (f *Function) reversal(ctx context.Context, notice event.StripeNotice) (r payment.Reversal, found bool, err error) {
	switch {
	case notice.Kind == "charge.refunded" && notice.Object == "charge":
		return f.stripe.Refund(ctx, notice.ObjectID)
	case strings.HasPrefix(notice.Kind, "charge.dispute.") && notice.Object == "dispute":
		return f.stripe.Dispute(ctx, notice.ObjectID)
	default:
		return payment.Reversal{}, false, nil
	}
}

// reverse writes down that money went back, and ends what was paid with money that a bank took away. A refund ends nothing:
// whoever gives money back decides in Stripe's dashboard whether the subscription goes on. A dispute that is not decided ends
// nothing either.
func (f *Function) reverse(ctx context.Context, e event.Event, r payment.Reversal) (outcome string, err error) {
	customer, done, err := f.accounts.EverCustomerForEvent(ctx, r.CustomerID, keyOf(e))
	switch {
	case fault.Is(err, fault.NotFound):
		return ignored, nil
	case err != nil:
		return failed, err
	case done:
		return repeated, nil
	}
	if err := f.accounts.KeepReversal(ctx, customer.AccountID, r.Reversal); err != nil {
		return failed, err
	}
	f.log.WarnContext(ctx, "money went back", "user", customer.AccountID, "kind", r.Kind, "status", r.Status,
		"reversal", r.ID, "amount", r.Amount, "currency", r.Currency)
	f.reversals.WithLabelValues(string(r.Kind), string(r.Status)).Inc()
	if r.Status == account.Lost && r.Subscription != "" {
		ended, err := f.stripe.End(ctx, customer.CustomerID, r.Subscription)
		if err != nil {
			return failed, err
		}
		if ended {
			f.log.WarnContext(ctx, "subscription ended: its payment was disputed and lost", "user", customer.AccountID, "subscription", r.Subscription)
		}
	}
	return f.syncFor(ctx, e, func(key inbox.Key) (account.Customer, bool, error) {
		return f.accounts.CustomerForEvent(ctx, customer.CustomerID, key)
	})
}
