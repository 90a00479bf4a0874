package payment

import (
	"context"
	"errors"
	"slices"

	"github.com/stripe/stripe-go/v76"

	"irc.now/shared/fault"
)

// checkout sends the browser to pay for a new subscription. Other pages to pay on are closed: whoever pays in two of
// them would pay twice. It looks before, for those of earlier orders, and after, for those of the same moment.
func (c *Client) checkout(ctx context.Context, o Order) (Placed, error) {
	open, err := c.openCheckouts(ctx, o.CustomerID)
	if err != nil {
		return Placed{}, err
	}
	if err := c.closeCheckouts(ctx, open, ""); err != nil {
		return Placed{}, err
	}
	session, err := c.openCheckout(ctx, o)
	if err != nil {
		return Placed{}, err
	}
	if open, err = c.openCheckouts(ctx, o.CustomerID); err != nil {
		return Placed{}, err
	}
	// Of orders that cross, all that see each other let the same one stay.
	stays := slices.Max(append(open, session.ID))
	if err := c.closeCheckouts(ctx, open, stays); err != nil {
		return Placed{}, err
	}
	if stays != session.ID {
		return Placed{}, ordersCross()
	}
	return Placed{Redirect: session.URL, Changed: true}, nil
}

func (c *Client) openCheckout(ctx context.Context, o Order) (*stripe.CheckoutSession, error) {
	price, err := c.catalog.price(o.Product, intervalOf(o.Yearly))
	if err != nil {
		return nil, err
	}
	params := &stripe.CheckoutSessionParams{
		Mode:              stripe.String(string(stripe.CheckoutSessionModeSubscription)),
		Customer:          stripe.String(o.CustomerID),
		ClientReferenceID: stripe.String(o.AccountID),
		SuccessURL:        stripe.String(o.SuccessURL),
		CancelURL:         stripe.String(o.CancelURL),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Price: stripe.String(price), Quantity: stripe.Int64(int64(o.Quantity)),
		}},
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{
			Metadata: map[string]string{"account": o.AccountID},
		},
	}
	c.catalog.terms(params)
	params.Context = ctx
	session, err := c.stripe.CheckoutSessions.New(params)
	if err != nil {
		return nil, faultOf(err, "open a checkout for %s", o.CustomerID)
	}
	return session, nil
}

// terms are what the operator wants of every new subscription.
func (c *Catalog) terms(params *stripe.CheckoutSessionParams) {
	if c.automaticTax {
		params.AutomaticTax = &stripe.CheckoutSessionAutomaticTaxParams{Enabled: stripe.Bool(true)}
		// Stripe computes tax by where the customer lives, which it asks at the checkout and keeps.
		params.CustomerUpdate = &stripe.CheckoutSessionCustomerUpdateParams{Address: stripe.String("auto")}
	}
	if c.promotionCodes {
		params.AllowPromotionCodes = stripe.Bool(true)
	}
}

// openCheckouts are the ids of the pages on which the customer can pay.
func (c *Client) openCheckouts(ctx context.Context, customerID string) (ids []string, err error) {
	params := &stripe.CheckoutSessionListParams{Customer: stripe.String(customerID), Status: stripe.String("open")}
	params.Context = ctx
	list := c.stripe.CheckoutSessions.List(params)
	for list.Next() {
		ids = append(ids, list.CheckoutSession().ID)
	}
	if err := list.Err(); err != nil {
		return nil, faultOf(err, "list checkouts of %s", customerID)
	}
	return ids, nil
}

// closeCheckouts closes all but one. It is a Conflict where one was closed, or paid, in the meantime.
func (c *Client) closeCheckouts(ctx context.Context, ids []string, stays string) (crossed error) {
	for _, id := range ids {
		if id == stays {
			continue
		}
		expire := &stripe.CheckoutSessionExpireParams{}
		expire.Context = ctx
		_, err := c.stripe.CheckoutSessions.Expire(id, expire)
		refused, answered := errors.AsType[*stripe.Error](err)
		switch {
		case missing(err):
			// Nobody can pay on what is gone.
		case answered && refused.Type == stripe.ErrorTypeInvalidRequest:
			crossed = ordersCross() // the others are closed all the same
		case err != nil:
			return faultOf(err, "close checkout %s", id)
		}
	}
	return crossed
}

func ordersCross() error {
	return fault.New(fault.Conflict, "Another order of yours is under way. Please look here again in a moment.")
}
