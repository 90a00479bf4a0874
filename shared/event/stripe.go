package event

import (
	"errors"
	"strings"
)

// StripePrefix precedes Stripe's own event types: "customer.created" is "com.stripe.customer.created".
const StripePrefix = "com.stripe."

// SourceStripe is the source of what Stripe says about the given Stripe account; "" is our own.
func SourceStripe(account string) string {
	if account == "" {
		return "/stripe"
	}
	return "/stripe/" + account
}

// StripeNotice says that something happened at Stripe. It names what it happened to and no more: whoever acts on it
// asks Stripe for the present state, since notices arrive in any order, and nobody's name or address needs to travel.
// The event's id is Stripe's ("evt_…").
type StripeNotice struct {
	// Stripe's type, such as "customer.subscription.updated".
	Kind string `json:"kind"`
	// What kind of thing it happened to, such as "subscription".
	Object string `json:"object,omitempty"`
	// The id of the thing, such as "sub_…".
	ObjectID string `json:"objectId,omitempty"`
	// The customer it belongs to, "cus_…", where there is one.
	Customer string `json:"customer,omitempty"`
	// The subscription it belongs to, "sub_…", where there is one.
	Subscription string `json:"subscription,omitempty"`
	// Whether it is about real money.
	LiveMode bool `json:"liveMode"`
}

// Type is Stripe's own below StripePrefix.
func (p StripeNotice) Type() string { return StripePrefix + p.Kind }

// Subject is the customer, or the thing itself where it has no customer.
func (p StripeNotice) Subject() string {
	if p.Customer != "" {
		return p.Customer
	}
	return p.ObjectID
}

// Validate says what is wrong with the kind; the rest depends on it.
func (p StripeNotice) Validate() error {
	if strings.Trim(p.Kind, "abcdefghijklmnopqrstuvwxyz0123456789._") != "" {
		return errors.New("kind is not a type of Stripe's")
	}
	return present("kind", p.Kind)
}
