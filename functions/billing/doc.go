// Package billing applies what Stripe tells: an event about a customer makes it ask Stripe what that customer has now,
// and write it.
//
// It alone writes plans, add-ons and hosting. An event is a hint and nothing more: neither its payload nor the order
// of arrival is believed, so late, repeated and forged events end in the same state. It deletes nothing that a
// customer has made. With the new state it writes an event of ours, in the same transaction.
//
// At each tick it looks for customers whose time after a downgrade is over, and tells that in an event of ours too.
package billing
