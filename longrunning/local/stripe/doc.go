// Package stripe stands in for Stripe on one machine: its API as stripe-go v76 speaks it, the two pages a customer is
// sent to, and signed webhooks. No money moves, and no card is asked for.
//
// It knows nothing of irc.now: prices, keys and the address of the webhook are given to it. It is no reference for
// how Stripe behaves; requests of ours are checked against Stripe's own stripe-mock as well. Parameters that it does
// not know are refused as Stripe refuses them, so that a call which only works here is noticed here.
//
// What Stripe would do in weeks or by accident is done by buttons: a payment that fails, a period that ends, webhooks
// that come late, five times, or last one first.
package stripe
