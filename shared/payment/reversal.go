package payment

import (
	"context"

	"github.com/stripe/stripe-go/v76"

	"irc.now/shared/account"
)

// Reversal is money that went back, or may, and what had been paid with it.
type Reversal struct {
	account.Reversal

	CustomerID   string // empty for a payment of nobody's
	Subscription string // empty where the payment was for something else
}

// Refund asks what was given back of a charge. It is not found where nothing was.
func (c *Client) Refund(ctx context.Context, chargeID string) (r Reversal, found bool, err error) {
	params := &stripe.ChargeParams{}
	params.Context = ctx
	params.AddExpand("invoice")
	charge, err := c.stripe.Charges.Get(chargeID, params)
	switch {
	case missing(err):
		return Reversal{}, false, nil
	case err != nil:
		return Reversal{}, false, faultOf(err, "get charge %s", chargeID)
	}
	r = reversalOf(charge)
	r.ID, r.Kind, r.Status = charge.ID, account.Refund, account.Part
	r.Amount, r.Currency = charge.AmountRefunded, string(charge.Currency)
	if charge.Refunded {
		r.Status = account.Whole
	}
	return r, charge.AmountRefunded > 0, nil
}

// disputes are what Stripe's states of a dispute mean here. An inquiry ("warning") takes no money before it becomes one.
var disputes = map[stripe.DisputeStatus]account.ReversalStatus{
	stripe.DisputeStatusNeedsResponse:        account.Open,
	stripe.DisputeStatusUnderReview:          account.Open,
	stripe.DisputeStatusWarningNeedsResponse: account.Open,
	stripe.DisputeStatusWarningUnderReview:   account.Open,
	stripe.DisputeStatusWarningClosed:        account.Won,
	stripe.DisputeStatusWon:                  account.Won,
	stripe.DisputeStatusLost:                 account.Lost,
}

// Dispute asks how a dispute stands. A state that is new to us counts as open.
func (c *Client) Dispute(ctx context.Context, disputeID string) (r Reversal, found bool, err error) {
	params := &stripe.DisputeParams{}
	params.Context = ctx
	params.AddExpand("charge")
	params.AddExpand("charge.invoice")
	dispute, err := c.stripe.Disputes.Get(disputeID, params)
	switch {
	case missing(err):
		return Reversal{}, false, nil
	case err != nil:
		return Reversal{}, false, faultOf(err, "get dispute %s", disputeID)
	}
	if dispute.Charge != nil {
		r = reversalOf(dispute.Charge)
	}
	r.ID, r.Kind, r.Status = dispute.ID, account.Dispute, account.Open
	r.Amount, r.Currency = dispute.Amount, string(dispute.Currency)
	if status, known := disputes[dispute.Status]; known {
		r.Status = status
	}
	return r, true, nil
}

// reversalOf is whose charge it was, and for what.
func reversalOf(charge *stripe.Charge) (r Reversal) {
	if charge.Customer != nil {
		r.CustomerID = charge.Customer.ID
	}
	if charge.Invoice != nil && charge.Invoice.Subscription != nil {
		r.Subscription = charge.Invoice.Subscription.ID
	}
	return r
}

// End ends a subscription of the customer's at once, without giving anything back, if it gives something of ours. One that
// has ended already, and one that is none of ours, stays as it is.
func (c *Client) End(ctx context.Context, customerID, subscriptionID string) (ended bool, err error) {
	state, err := c.State(ctx, customerID)
	if err != nil {
		return false, err
	}
	for _, l := range state.live {
		if l.id != subscriptionID {
			continue
		}
		params := &stripe.SubscriptionCancelParams{}
		params.Context = ctx
		_, err := c.stripe.Subscriptions.Cancel(subscriptionID, params)
		if err != nil && !missing(err) {
			return false, faultOf(err, "end subscription %s", subscriptionID)
		}
		return true, nil
	}
	return false, nil
}
