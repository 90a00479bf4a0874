// Package event owns the CloudEvents that the parts of irc.now tell each other: their types, their payloads and how
// one is handed to the broker.
//
// Delivery is at least once and in any order: a consumer is idempotent on the event's id, and asks for the present
// state of a thing instead of trusting what an event said about it. What comes out of a broker was checked as far as
// [Decode] goes, and no further: anybody who reaches the broker may have written it.
//
// The package imports nothing that knows accounts, Stripe or HTTP handlers. docs/events.md is made from it.
package event
