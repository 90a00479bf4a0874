package payment

import (
	"context"

	"github.com/stripe/stripe-go/v76"

	"irc.now/shared/fault"
)

// step is one change of one subscription.
type step struct {
	subscription live
	items        []*stripe.SubscriptionItemsParams
	ends         bool // nothing would be left: it ends with the period that is paid
	less         bool // it costs no more than before
}

// change alters what the customer pays for already, in whichever subscription it is. What costs more is charged now and
// refused with nothing changed where the card is declined; what costs less is credited on the next invoice.
func (c *Client) change(ctx context.Context, o Order, state State) (Placed, error) {
	steps, err := c.steps(o, state.running())
	if err != nil {
		return Placed{}, err
	}
	if len(steps) == 0 && o.Quantity == 0 && o.Product.Had(state.Holdings) > 0 {
		return Placed{}, fault.New(fault.Conflict, "It belongs to a subscription that is cancelled, and ends with it.")
	}
	for _, s := range steps {
		if s.subscription.scheduled {
			return Placed{}, fault.New(fault.Conflict,
				"A change of your subscription is planned already. Choose Manage to call it off, or wait for it, then try again.")
		}
	}
	for _, s := range steps {
		redirect, err := c.take(ctx, s)
		if err != nil || redirect != "" {
			return Placed{Redirect: redirect, Changed: err == nil}, err
		}
	}
	return Placed{Changed: len(steps) > 0}, nil
}

// steps are what makes the order true: first what may be refused since it costs more, then what is given back.
func (c *Client) steps(o Order, running []live) (steps []step, err error) {
	kept := o.Quantity == 0
	for _, l := range running {
		var s step
		for _, line := range l.items {
			switch {
			case !o.concerns(line.product):
			case !kept:
				kept = true
				first, err := c.keep(o, l, line)
				if err != nil {
					return nil, err
				}
				steps = append(first, steps...)
			default:
				s.items = append(s.items, &stripe.SubscriptionItemsParams{ID: stripe.String(line.id), Deleted: stripe.Bool(true)})
			}
		}
		if len(s.items) > 0 {
			// A subscription cannot be empty. Lines that are none of ours are somebody's, too.
			s.subscription, s.less, s.ends = l, true, len(s.items) == len(l.items)+l.foreign
			steps = append(steps, s)
		}
	}
	if kept {
		return steps, nil
	}
	return c.add(o, running[0])
}

// concerns reports whether the order is about lines of p. Hosting plans take each other's place, but giving back the one
// leaves the other.
func (o *Order) concerns(p Product) bool {
	return p == o.Product || o.Quantity > 0 && p.Hosting() && o.Product.Hosting()
}

// keep changes a line to what is ordered; it is nothing where the line is so already.
func (c *Client) keep(o Order, l live, line item) ([]step, error) {
	if line.product == o.Product && line.quantity == o.Quantity {
		return nil, nil
	}
	changed := &stripe.SubscriptionItemsParams{ID: stripe.String(line.id), Quantity: stripe.Int64(int64(o.Quantity))}
	less := o.Quantity < line.quantity
	if line.product != o.Product {
		price, err := c.catalog.price(o.Product, line.interval)
		if err != nil {
			return nil, err
		}
		changed.Price, less = stripe.String(price), line.product == Growth
	}
	return []step{{subscription: l, items: []*stripe.SubscriptionItemsParams{changed}, less: less}}, nil
}

func (c *Client) add(o Order, l live) ([]step, error) {
	price, err := c.catalog.price(o.Product, l.interval)
	if err != nil {
		return nil, err
	}
	return []step{{subscription: l, items: []*stripe.SubscriptionItemsParams{{
		Price: stripe.String(price), Quantity: stripe.Int64(int64(o.Quantity)),
	}}}}, nil
}

// take carries out one step. redirect is where the customer has to confirm the payment first; empty where it is done.
func (c *Client) take(ctx context.Context, s step) (redirect string, err error) {
	params := &stripe.SubscriptionParams{}
	params.Context = ctx
	switch {
	case s.ends:
		params.CancelAtPeriodEnd = stripe.Bool(true)
	case s.less:
		params.Items, params.ProrationBehavior = s.items, stripe.String("create_prorations")
	default:
		params.Items, params.ProrationBehavior = s.items, stripe.String("always_invoice")
		params.PaymentBehavior = stripe.String("error_if_incomplete")
	}
	_, err = c.stripe.Subscriptions.Update(s.subscription.id, params)
	switch {
	case err == nil:
		return "", nil
	case asksForTheBank(err):
		return c.confirm(ctx, s)
	default:
		return "", changeFault(err, s.subscription.id)
	}
}

// confirm asks for the step once more in the way that leaves an open invoice: the change waits for a day until it is paid
// on Stripe's page, where banks can be asked, and is dropped otherwise.
func (c *Client) confirm(ctx context.Context, s step) (redirect string, err error) {
	params := &stripe.SubscriptionParams{
		Items: s.items, ProrationBehavior: stripe.String("always_invoice"), PaymentBehavior: stripe.String("pending_if_incomplete"),
	}
	params.AddExpand("latest_invoice")
	params.Context = ctx
	changed, err := c.stripe.Subscriptions.Update(s.subscription.id, params)
	switch {
	case err != nil:
		return "", changeFault(err, s.subscription.id)
	case changed.PendingUpdate == nil:
		return "", nil // the bank has let it pass this time
	case changed.LatestInvoice == nil || changed.LatestInvoice.HostedInvoiceURL == "":
		return "", fault.New(fault.Conflict, "Your bank wants you to confirm this payment. Choose Manage, then the open invoice.")
	}
	return changed.LatestInvoice.HostedInvoiceURL, nil
}
