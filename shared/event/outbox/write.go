package outbox

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/event"
	"irc.now/shared/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations bring the table of events on their way.
var Migrations = store.Set{Name: "outbox", Files: files}

// What programs do with the table: write events, send them with a [Relay], and forget those that were sent.
var (
	Writer  = store.Grant{Table: "outbox", May: "INSERT (event)"}
	Relayer = store.Grant{Table: "outbox", May: "SELECT, UPDATE (sent_at, refusals, due_at)"}
	Pruner  = store.Grant{Table: "outbox", May: "SELECT (sent_at), DELETE"}
)

// Write puts e into the outbox in tx, the transaction that writes the fact: both become true or neither. Call
// [Relay.Wake] once tx has committed.
func Write(ctx context.Context, tx pgx.Tx, e event.Event) error {
	encoded, err := Encode(ctx, e)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO outbox (event) VALUES ($1)`, encoded); err != nil {
		return fmt.Errorf("write event %s to the outbox: %w", e.ID(), err)
	}
	return nil
}

// Encode is e as the column outbox.event holds it, for a statement that writes the fact and its event together.
func Encode(ctx context.Context, e event.Event) (string, error) {
	if err := event.Check(e); err != nil {
		return "", fmt.Errorf("write event to the outbox: %w", err)
	}
	encoded, err := json.Marshal(event.WithRequestID(ctx, e))
	if err != nil {
		return "", fmt.Errorf("write event %s to the outbox: %w", e.ID(), err)
	}
	if len(encoded) > event.MaxSize {
		return "", fmt.Errorf("write event %s to the outbox: it has %d bytes, more than %d", e.ID(), len(encoded), event.MaxSize)
	}
	return string(encoded), nil
}
