// Package stripe is the bridge from Stripe's webhooks to our events: POST /webhook takes one event of Stripe's, and
// the broker gets one CloudEvent with the same id.
//
// It owns the check of the signature and nothing else. It keeps no state and has no database: Stripe gets a 2xx only
// once the broker has taken the event, and sends again for three days otherwise. It never acts on what an event says.
package stripe
