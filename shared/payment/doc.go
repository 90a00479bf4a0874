// Package payment is how our programs talk to Stripe: what is for sale, what a customer has, and where a browser is
// sent to pay.
//
// It owns the meaning of Stripe's subscription states and prices. It keeps nothing: what a customer has is written by
// functions/billing alone. What Stripe answers is believed; what a webhook said is not, so nothing here takes one.
package payment
