package payment

import (
	"context"

	"irc.now/shared/account"
	"irc.now/shared/fault"
)

// Order asks that the customer have Quantity of Product: not more of it, but that many in all. 0 takes it away.
type Order struct {
	CustomerID string
	AccountID  string
	Product    Product
	Quantity   int
	Yearly     bool   // pay by the year, where a first subscription begins
	SuccessURL string // where the browser comes back to once paid
	CancelURL  string // where it comes back to otherwise
}

// Placed is what became of an order.
type Placed struct {
	// Redirect is a page of Stripe's to send the browser to where something has to be paid or confirmed there first; empty
	// where the order is done: then the card on file was charged.
	Redirect string
	// Changed is false where all was as ordered already: nothing was sent to Stripe, and nothing will follow.
	Changed bool
}

// Place carries out the order. It is [ErrNoCustomer] where Stripe has deleted the customer.
func (c *Client) Place(ctx context.Context, o Order) (Placed, error) {
	state, err := c.State(ctx, o.CustomerID)
	if err != nil {
		return Placed{}, err
	}
	if o.Quantity > 0 && !c.catalog.sells(o.Product) {
		return Placed{}, notSold()
	}
	if err := acceptable(o, state); err != nil {
		return Placed{}, err
	}
	if len(state.running()) > 0 {
		return c.change(ctx, o, state)
	}
	if o.Quantity == 0 {
		return Placed{}, nil
	}
	return c.checkout(ctx, o)
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
	return standingAllows(state)
}

func notSold() error {
	return fault.Field("product", "We do not sell that. Please choose something from the list.")
}

func standingAllows(state State) error {
	switch state.Standing {
	case account.PastDue, account.Unpaid:
		return fault.New(fault.Conflict, "A payment is open. Choose Manage to pay it first, then try again.")
	case account.Ending:
		if len(state.running()) == 0 {
			return fault.New(fault.Conflict, "Your subscription is cancelled. Choose Manage to renew it first, then try again.")
		}
		return nil // of two subscriptions the other one goes on
	case account.Paused:
		return fault.New(fault.Conflict, "Your subscription is paused. Choose Manage to add a card first, then try again.")
	default:
		return nil
	}
}
