package event

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
)

// Event is a CloudEvent, version 1.0.
type Event = cloudevents.Event

// MaxSize is the most bytes an event may have as JSON; outbox and broker refuse more.
const MaxSize = 256 << 10

// Payload is the data of one type of event. Its zero value knows its Type, save where a family of types shares a
// payload.
type Payload interface {
	// Type is the CloudEvents type, "now.irc.<noun>.<past participle>" for facts of ours.
	Type() string
	// Subject is the id of what the event is about.
	Subject() string
	// Validate says what is missing.
	Validate() error
}

// ErrMalformed is what an event is whose data is not what its type promises. Trying again will not help.
var ErrMalformed = errors.New("malformed event")

// New makes an event of now, with an id of its own. source says who found the fact out: one of the Source constants.
func New(source string, payload Payload) (Event, error) {
	return NewWithID(rand.Text(), time.Now(), source, payload)
}

// NewWithID makes an event whose id and time come from elsewhere. The id is unique for its source; whoever repeats
// it says that it is the same event again.
func NewWithID(id string, at time.Time, source string, payload Payload) (Event, error) {
	if err := payload.Validate(); err != nil {
		return Event{}, fmt.Errorf("make event %s: %w: %w", payload.Type(), ErrMalformed, err)
	}
	made := cloudevents.New(cloudevents.CloudEventsVersionV1)
	made.SetID(id)
	made.SetSource(source)
	made.SetType(payload.Type())
	made.SetSubject(payload.Subject())
	made.SetTime(at.UTC())
	if err := made.SetData(cloudevents.ApplicationJSON, payload); err != nil {
		return Event{}, fmt.Errorf("make event %s: %w", payload.Type(), err)
	}
	if err := errors.Join(Check(made), CheckData(made)); err != nil {
		return Event{}, fmt.Errorf("make event %s: %w", payload.Type(), err)
	}
	return made, nil
}

// Decode takes the payload out of e. Its error wraps [ErrMalformed]. Fields that we do not know are left alone: the
// sender may be newer than we are.
func Decode[P Payload](e Event) (P, error) {
	var payload P
	if err := json.Unmarshal(e.Data(), &payload); err != nil {
		return payload, fmt.Errorf("event %s: %w: %w", e.ID(), ErrMalformed, err)
	}
	if payload.Type() != e.Type() {
		return payload, fmt.Errorf("event %s: %w: its type is %q, its data is of %q",
			e.ID(), ErrMalformed, e.Type(), payload.Type())
	}
	if err := payload.Validate(); err != nil {
		return payload, fmt.Errorf("event %s: %w: %w", e.ID(), ErrMalformed, err)
	}
	return payload, nil
}

// present is an error that names the fields, given as name, value, name, value, whose value is empty.
func present(pairs ...string) error {
	var all []error
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			all = append(all, fmt.Errorf("%s is empty", pairs[i]))
		}
	}
	return errors.Join(all...)
}
