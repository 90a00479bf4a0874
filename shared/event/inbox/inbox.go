// Package inbox lets a consumer apply each event once, however often it is delivered: the mark that an event was
// applied is written in the transaction of what it did.
//
// The table "processed_event" comes with [Migrations], to whatever database holds what the consumer writes.
package inbox

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"irc.now/shared/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations bring the table of events that were applied.
var Migrations = store.Set{Name: "inbox", Files: files}

// Consumer is what a program does that marks its events, and forgets old marks.
var Consumer = store.Grant{Table: "processed_event", May: "SELECT, INSERT, DELETE"}

// Key names one event to one consumer; CloudEvents are the same where source and id are.
type Key struct{ Consumer, Source, ID string }

// keep is far longer than any sender tries again (Stripe: three days).
const keep = 60 * 24 * time.Hour

// Processed is an SQL condition that is true where the event of a [Key] was applied already, for a question that asks
// for more than that. Its parameters are named; [Key.Args] gives their values.
const Processed = `EXISTS (SELECT FROM processed_event
	WHERE consumer = @event_consumer AND source = @event_source AND id = @event_id)`

// Args are the parameters of [Processed].
func (k Key) Args() pgx.NamedArgs {
	return pgx.NamedArgs{"event_consumer": k.Consumer, "event_source": k.Source, "event_id": k.ID}
}

// Mark records within tx that the event was applied at the given time; first is false where it was already, and then
// nothing more must be written.
func Mark(ctx context.Context, tx pgx.Tx, key Key, at time.Time) (first bool, err error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO processed_event (consumer, source, id, processed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, key.Consumer, key.Source, key.ID, at)
	if err != nil {
		return false, store.Fault(fmt.Errorf("mark event: %w", err))
	}
	return tag.RowsAffected() == 1, nil
}

// Execer is a pool, a connection or a transaction.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Forget drops the marks that are too old, at the given time, for anybody to send their events again.
func Forget(ctx context.Context, db Execer, at time.Time) error {
	_, err := db.Exec(ctx, `DELETE FROM processed_event WHERE processed_at < $1`, at.Add(-keep))
	if err != nil {
		return store.Fault(fmt.Errorf("forget old events: %w", err))
	}
	return nil
}
