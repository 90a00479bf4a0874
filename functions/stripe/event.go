package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"irc.now/shared/event"
)

// payload is what we read of Stripe's event object. Its API version may be another than ours, so only what every
// version has is read.
type payload struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Account  string `json:"account"`
	Created  int64  `json:"created"`
	LiveMode bool   `json:"livemode"`
	Data     struct {
		Object object `json:"object"`
	} `json:"data"`
}

// object is what happened to something. The references are any JSON, since objects differ in what they call so.
type object struct {
	ID           string          `json:"id"`
	Object       string          `json:"object"`
	Customer     json.RawMessage `json:"customer"`
	Subscription json.RawMessage `json:"subscription"`
}

// eventFor makes the CloudEvent for a webhook's body. Its id is Stripe's, so that a webhook that comes twice is the
// same event twice.
func eventFor(body []byte) (event.Event, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return event.Event{}, fmt.Errorf("read webhook: %w", err)
	}
	if p.ID == "" || p.Created <= 0 {
		return event.Event{}, errors.New("read webhook: it has no id or no time")
	}
	return event.NewWithID(p.ID, time.Unix(p.Created, 0), event.SourceStripe(p.Account), p.notice())
}

func (p payload) notice() event.StripeNotice {
	o := p.Data.Object
	notice := event.StripeNotice{
		Kind: p.Type, Object: o.Object, ObjectID: o.ID, LiveMode: p.LiveMode,
		Customer: reference(o.Customer), Subscription: reference(o.Subscription),
	}
	switch o.Object {
	case "customer":
		notice.Customer = o.ID
	case "subscription":
		notice.Subscription = o.ID
	}
	return notice
}

// reference is the id in a field that holds one, or an object with one, or something else.
func reference(field json.RawMessage) string {
	var id string
	if json.Unmarshal(field, &id) == nil {
		return id
	}
	var expanded struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(field, &expanded) == nil {
		return expanded.ID
	}
	return ""
}
