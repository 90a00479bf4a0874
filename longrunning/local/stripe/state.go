package stripe

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// keptEvents bounds how many delivered events are remembered.
const keptEvents = 200

// state is everything there is. Server.mu guards it.
type state struct {
	Customers     map[string]*customer
	Sessions      map[string]*openSession
	Subscriptions []*subscription // in order of creation
	Invoices      []*invoice
	Charges       map[string]*charge
	Disputes      map[string]*dispute
	Portals       map[string]*portalSession
	Events        []*delivery
	// Cards are by customer, where it is not one that works.
	Cards map[string]card
	// Credits are cents that a subscription's next invoice is lower by, or higher where negative.
	Credits map[string]int64
}

// card is what becomes of payments that are taken from a customer's card.
type card string

const (
	cardWorks    card = ""
	cardDeclined card = "declined"
	cardAsks     card = "asks" // the bank wants the customer to confirm each payment
	cardNone     card = "none" // there is none
)

// openSession is a checkout with what it sells.
type openSession struct {
	Session  session
	Lines    []orderLine
	Metadata metadata // of the subscription to be
}

type orderLine struct {
	Price    string
	Quantity int64
}

func newState() *state {
	return &state{
		Customers: map[string]*customer{}, Sessions: map[string]*openSession{}, Portals: map[string]*portalSession{},
		Charges: map[string]*charge{}, Disputes: map[string]*dispute{}, Cards: map[string]card{}, Credits: map[string]int64{},
	}
}

// load reads what an earlier run kept.
func load(file string) (*state, error) {
	s := newState()
	if file == "" {
		return s, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // our own configuration names it
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return s, nil
}

// save replaces file as a whole: a crash leaves the old one or the new one.
func (s *state) save(file string) error {
	s.prune()
	if file == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func (s *state) prune() {
	for len(s.Events) > keptEvents && s.Events[0].Done {
		s.Events = s.Events[1:]
	}
}

func newID(prefix string) string { return prefix + "_" + strings.ToLower(rand.Text()[:24]) }

func (s *state) subscription(id string) *subscription {
	for _, sub := range s.Subscriptions {
		if sub.ID == id {
			return sub
		}
	}
	return nil
}

func (s *state) subscriptionsOf(customerID string) (all []*subscription) {
	for _, sub := range s.Subscriptions {
		if sub.Customer == customerID {
			all = append(all, sub)
		}
	}
	return all
}

// invoice is the one of that id; nil without one.
func (s *state) invoice(id *string) *invoice {
	for _, inv := range s.Invoices {
		if id != nil && inv.ID == *id {
			return inv
		}
	}
	return nil
}

// openInvoice is the one that waits to be paid; nil without one.
func (s *state) openInvoice(subscriptionID string) *invoice {
	for _, inv := range s.Invoices {
		if inv.Subscription == subscriptionID && inv.Status == "open" {
			return inv
		}
	}
	return nil
}

func (sub *subscription) total() (cents int64) {
	for _, item := range sub.Items.Data {
		cents += item.Price.UnitAmount * item.Quantity
	}
	return cents
}

// ended reports whether nothing can happen to the subscription any more.
func (sub *subscription) ended() bool {
	return sub.Status == "canceled" || sub.Status == "incomplete_expired"
}

// periodEnd is when a period that begins at from ends.
func (sub *subscription) periodEnd(from int64) int64 {
	if sub.interval() == "year" {
		return time.Unix(from, 0).UTC().AddDate(1, 0, 0).Unix()
	}
	return time.Unix(from, 0).UTC().AddDate(0, 1, 0).Unix()
}

func (sub *subscription) interval() string {
	if len(sub.Items.Data) == 0 {
		return "month"
	}
	return sub.Items.Data[0].Price.Recurring.Interval
}
