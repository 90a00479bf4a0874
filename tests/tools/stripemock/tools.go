// Package stripemock pins Stripe's own stand-in for its API, which knows what parameters each call takes. It has a
// module of its own: what it requires is older than what our linters accept.
package stripemock
