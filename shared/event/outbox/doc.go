// Package outbox makes sure that a fact in PostgreSQL and the event about it are never apart: the event is written
// in the transaction of the fact, and a [Relay] hands it to the broker afterwards.
//
// Whoever wrote wakes the relay after the commit; a tick picks up what a crash or an absent broker left behind. An
// event is sent at least once, in no promised order.
//
// The table "outbox" comes with [Migrations], to whatever database holds the facts.
package outbox
