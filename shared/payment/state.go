package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"irc.now/shared/account"
)

// State is what a customer has and where the subscription stands.
type State struct {
	Standing     account.Standing
	PeriodEnd    *time.Time // when the period ends or ended; nil without a subscription
	Holdings     account.Holdings
	Subscription string   // the id of the one that Standing is about; empty without one
	Unknown      []string // prices that are none of ours: somebody sold something that no program knows
	items        []item
}

// item is one line of the subscription that Standing is about.
type item struct {
	id       string
	product  Product
	price    string
	quantity int
}

// rule is what one of Stripe's states means here.
type rule struct {
	standing account.Standing
	gives    bool // the customer has what was bought
}

// rules hold every state that Stripe has.
var rules = map[stripe.SubscriptionStatus]rule{
	stripe.SubscriptionStatusTrialing: {account.Trial, true},
	stripe.SubscriptionStatusActive:   {account.Paid, true},
	// Stripe tries the card again for some days. A card that expired must not cut anybody off meanwhile.
	stripe.SubscriptionStatusPastDue: {account.PastDue, true},
	// The tries are over, the subscription waits for the invoice to be paid.
	stripe.SubscriptionStatusUnpaid: {account.Unpaid, false},
	stripe.SubscriptionStatusPaused: {account.Paused, false},
	// The first payment is under way. It is paid within a day or expires, and then it is as if nothing had been.
	stripe.SubscriptionStatusIncomplete:        {account.Unfinished, false},
	stripe.SubscriptionStatusIncompleteExpired: {account.NeverPaid, false},
	stripe.SubscriptionStatusCanceled:          {account.Ended, false},
}

// urgency orders standings by what a customer of several subscriptions has to hear first. Those that give come before
// those that do not, so that what is said fits what is had.
var urgency = []account.Standing{
	account.PastDue, account.Ending, account.Trial, account.Paid,
	account.Unpaid, account.Paused, account.Unfinished, account.Ended, account.NeverPaid,
}

// StateOf reads what a customer with these subscriptions has. An unknown state is an error: taking away what somebody
// paid for because Stripe learned a new word would be worse than waiting for us to learn it.
func StateOf(subscriptions []*stripe.Subscription, catalog Catalog) (State, error) {
	var state State
	for _, s := range subscriptions {
		rule, known := rules[s.Status]
		if !known {
			return State{}, fmt.Errorf("subscription %s is in the state %q, which is unknown", s.ID, s.Status)
		}
		items := state.itemsOf(s, catalog)
		if rule.gives {
			for _, item := range items {
				state.Holdings = item.product.Give(state.Holdings, item.quantity)
			}
		}
		standing := standingOf(s, rule)
		if state.Subscription == "" ||
			slices.Index(urgency, standing) < slices.Index(urgency, state.Standing) {
			state.Standing, state.PeriodEnd = standing, endOf(s)
			state.Subscription, state.items = s.ID, items
		}
	}
	state.Holdings = state.Holdings.Normal()
	return state, nil
}

func standingOf(s *stripe.Subscription, rule rule) account.Standing {
	ending := s.CancelAtPeriodEnd || s.CancelAt != 0
	if ending && (rule.standing == account.Paid || rule.standing == account.Trial) {
		return account.Ending
	}
	return rule.standing
}

// endOf is when s ends or ended, or when its period does.
func endOf(s *stripe.Subscription) *time.Time {
	for _, at := range []int64{s.EndedAt, s.CancelAt, s.CurrentPeriodEnd} {
		if at != 0 {
			end := time.Unix(at, 0).UTC()
			return &end
		}
	}
	return nil
}

// itemsOf gives the lines of s that are products of ours and notes the others.
func (s *State) itemsOf(subscription *stripe.Subscription, catalog Catalog) []item {
	if subscription.Items == nil {
		return nil
	}
	var items []item
	for _, line := range subscription.Items.Data {
		if line.Price == nil {
			continue
		}
		product, known := catalog.byPriceID[line.Price.ID]
		if !known {
			s.Unknown = append(s.Unknown, line.Price.ID)
			continue
		}
		items = append(items, item{id: line.ID, product: product, price: line.Price.ID, quantity: int(line.Quantity)})
	}
	return items
}
