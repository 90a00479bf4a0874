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
	live         []live
}

// live is a subscription that gives something of ours.
type live struct {
	id        string
	standing  account.Standing
	scheduled bool // a schedule at Stripe changes it, and nobody else may
	interval  interval
	items     []item
	foreign   int // lines that are none of ours
}

// item is one line of a subscription.
type item struct {
	id       string
	product  Product
	interval interval
	quantity int
}

// running are the subscriptions that go on and can be changed, the one with Pro first: what is bought beside it is its.
func (s *State) running() (running []live) {
	for _, l := range s.live {
		switch {
		case l.standing != account.Paid && l.standing != account.Trial:
		case l.has(Pro):
			running = append([]live{l}, running...)
		default:
			running = append(running, l)
		}
	}
	return running
}

func (l *live) has(p Product) bool {
	return slices.ContainsFunc(l.items, func(i item) bool { return i.product == p })
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
		found, ours := state.read(s, catalog)
		found.standing = standingOf(s, rule)
		if rule.gives {
			state.give(found)
		}
		// A subscription to nothing of ours says nothing about what we sold.
		if ours && (state.Subscription == "" || slices.Index(urgency, found.standing) < slices.Index(urgency, state.Standing)) {
			state.Standing, state.PeriodEnd, state.Subscription = found.standing, endOf(s), s.ID
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

func (s *State) give(l live) {
	for _, item := range l.items {
		s.Holdings = item.product.Give(s.Holdings, item.quantity)
	}
	if len(l.items) > 0 {
		s.live = append(s.live, l)
	}
}

// read gives the lines of subscription that are products of ours and notes the others. ours is false where it has others
// alone.
func (s *State) read(subscription *stripe.Subscription, catalog Catalog) (l live, ours bool) {
	l = live{id: subscription.ID, scheduled: subscription.Schedule != nil}
	if subscription.Items == nil {
		return l, true
	}
	for _, line := range subscription.Items.Data {
		if line.Price == nil {
			continue
		}
		sold, known := catalog.byPriceID[line.Price.ID]
		if !known {
			s.Unknown = append(s.Unknown, line.Price.ID)
			l.foreign++
			continue
		}
		l.interval = sold.interval
		l.items = append(l.items, item{
			id: line.ID, product: sold.product, interval: sold.interval, quantity: int(line.Quantity),
		})
	}
	return l, len(l.items) > 0 || l.foreign == 0
}
