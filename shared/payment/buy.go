package payment

import (
	"context"
	"errors"
	"slices"

	"github.com/stripe/stripe-go/v76"

	"irc.now/shared/account"
	"irc.now/shared/fault"
)

// Order asks that the customer have Quantity of Product: not more of it, but that many in all. 0 takes it away.
type Order struct {
	CustomerID string
	AccountID  string
	Product    Product
	Quantity   int
	SuccessURL string // where the browser comes back to once paid
	CancelURL  string // where it comes back to otherwise
}

// Place carries out the order. redirect is a page of Stripe's to send the browser to where something has to be paid
// there first; empty where the order is done: then the card on file was charged.
func (c *Client) Place(ctx context.Context, o Order) (redirect string, err error) {
	state, err := c.State(ctx, o.CustomerID)
	if err != nil {
		return "", err
	}
	if _, sold := c.catalog.sold[o.Product]; !sold && o.Quantity > 0 {
		return "", notSold()
	}
	if err := acceptable(o, state); err != nil {
		return "", err
	}
	switch state.Standing {
	case account.Paid, account.Trial:
		return "", c.change(ctx, o, state)
	default:
		return c.checkout(ctx, o)
	}
}

// acceptable refuses orders that would not do what whoever places them thinks.
func acceptable(o Order, state State) error {
	if _, known := ParseProduct(string(o.Product)); !known {
		return notSold()
	}
	most := 1
	if o.Product == Bot {
		most = account.MaxExtraBots
	}
	if o.Quantity < 0 || o.Quantity > most {
		return fault.Field("quantity", "Please choose a number from 0 to %d.", most)
	}
	if o.Quantity == 0 && state.Holdings == (account.Holdings{}).Normal() {
		return fault.New(fault.Conflict, "You do not have this, so there is nothing to give back.")
	}
	if o.Product == Pro && o.Quantity == 0 && state.Holdings.Hosting != account.NoHosting {
		// It would go on to be paid for, and give nothing.
		return fault.New(fault.Conflict, "Your hosting plan needs Pro. Please give back hosting first.")
	}
	if o.Product.Hosting() && o.Quantity > 0 && !state.Holdings.Entitlements().Networks {
		return fault.New(fault.Conflict, "Hosting needs Pro. Please upgrade first, then choose a hosting plan.")
	}
	if !o.Product.Hosting() && o.Quantity > 0 && o.Product.Give(state.Holdings, o.Quantity) == state.Holdings {
		return fault.New(fault.Conflict, "You have %s already.", o.Product.Title())
	}
	return standingAllows(state.Standing)
}

func notSold() error {
	return fault.Field("product", "We do not sell that. Please choose something from the list.")
}

func standingAllows(standing account.Standing) error {
	switch standing {
	case account.PastDue, account.Unpaid:
		return fault.New(fault.Conflict, "A payment is open. Choose Manage to pay it first, then try again.")
	case account.Ending:
		return fault.New(fault.Conflict, "Your subscription is cancelled. Choose Manage to renew it first, then try again.")
	case account.Paused:
		return fault.New(fault.Conflict, "Your subscription is paused. Choose Manage to add a card first, then try again.")
	default:
		return nil
	}
}

// checkout sends the browser to pay for a new subscription. Other pages to pay on are closed: whoever pays in two of
// them would pay twice. It looks before, for those of earlier orders, and after, for those of the same moment.
func (c *Client) checkout(ctx context.Context, o Order) (string, error) {
	open, err := c.openCheckouts(ctx, o.CustomerID)
	if err != nil {
		return "", err
	}
	if err := c.closeCheckouts(ctx, open, ""); err != nil {
		return "", err
	}
	session, err := c.openCheckout(ctx, o)
	if err != nil {
		return "", err
	}
	if open, err = c.openCheckouts(ctx, o.CustomerID); err != nil {
		return "", err
	}
	// Of orders that cross, all that see each other let the same one stay.
	stays := slices.Max(append(open, session.ID))
	if err := c.closeCheckouts(ctx, open, stays); err != nil {
		return "", err
	}
	if stays != session.ID {
		return "", ordersCross()
	}
	return session.URL, nil
}

func (c *Client) openCheckout(ctx context.Context, o Order) (*stripe.CheckoutSession, error) {
	params := &stripe.CheckoutSessionParams{
		Mode:              stripe.String(string(stripe.CheckoutSessionModeSubscription)),
		Customer:          stripe.String(o.CustomerID),
		ClientReferenceID: stripe.String(o.AccountID),
		SuccessURL:        stripe.String(o.SuccessURL),
		CancelURL:         stripe.String(o.CancelURL),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Price: stripe.String(c.catalog.sold[o.Product]), Quantity: stripe.Int64(int64(o.Quantity)),
		}},
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{
			Metadata: map[string]string{"account": o.AccountID},
		},
	}
	params.Context = ctx
	session, err := c.stripe.CheckoutSessions.New(params)
	if err != nil {
		return nil, faultOf(err, "open a checkout for %s", o.CustomerID)
	}
	return session, nil
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

// change alters the subscription that the customer pays for already. What costs more is charged now and refused with
// nothing changed where the card is declined; what costs less is credited on the next invoice.
func (c *Client) change(ctx context.Context, o Order, state State) error {
	line, last := c.lineFor(o, state)
	if line == nil {
		return nil // as ordered already
	}
	params := &stripe.SubscriptionParams{}
	params.Context = ctx
	switch {
	case last:
		// A subscription cannot be empty.
		params.CancelAtPeriodEnd = stripe.Bool(true)
	case less(o, state):
		params.Items = []*stripe.SubscriptionItemsParams{line}
		params.ProrationBehavior = stripe.String("create_prorations")
	default:
		params.Items = []*stripe.SubscriptionItemsParams{line}
		params.ProrationBehavior = stripe.String("always_invoice")
		params.PaymentBehavior = stripe.String("error_if_incomplete")
	}
	if _, err := c.stripe.Subscriptions.Update(state.Subscription, params); err != nil {
		return faultOf(err, "change subscription %s", state.Subscription)
	}
	return nil
}

// lineFor is how the subscription's line for the order changes; nil where it is so already. last is true where the
// order takes away the only line there is. Hosting plans take each other's place.
func (c *Client) lineFor(o Order, state State) (line *stripe.SubscriptionItemsParams, last bool) {
	present, found := state.lineOf(o.Product)
	switch {
	case !found && o.Quantity == 0:
		return nil, false
	case !found:
		return &stripe.SubscriptionItemsParams{
			Price: stripe.String(c.catalog.sold[o.Product]), Quantity: stripe.Int64(int64(o.Quantity)),
		}, false
	case present.product == o.Product && present.quantity == o.Quantity,
		present.product != o.Product && o.Quantity == 0:
		return nil, false
	case o.Quantity == 0:
		return &stripe.SubscriptionItemsParams{
			ID: stripe.String(present.id), Deleted: stripe.Bool(true),
		}, len(state.items) == 1
	}
	line = &stripe.SubscriptionItemsParams{ID: stripe.String(present.id), Quantity: stripe.Int64(int64(o.Quantity))}
	if present.product != o.Product {
		line.Price = stripe.String(c.catalog.sold[o.Product])
	}
	return line, false
}

func (s *State) lineOf(p Product) (item, bool) {
	for _, line := range s.items {
		if line.product == p || line.product.Hosting() && p.Hosting() {
			return line, true
		}
	}
	return item{}, false
}

func less(o Order, state State) bool {
	present, found := state.lineOf(o.Product)
	if !found {
		return false
	}
	if present.product != o.Product {
		return present.product == Growth
	}
	return o.Quantity < present.quantity
}
