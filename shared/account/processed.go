package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/store"
)

// EventKey names one event to one consumer; CloudEvents are the same where source and id are.
type EventKey struct{ Consumer, Source, ID string }

// keepProcessed is far longer than any sender tries again (Stripe: three days).
const keepProcessed = 60 * 24 * time.Hour

// MarkProcessed records within tx that the event is applied; first is false where it was already, and then nothing
// more must be written.
func (s *Store) MarkProcessed(ctx context.Context, tx pgx.Tx, key EventKey) (first bool, err error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO processed_event (consumer, source, id, processed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, key.Consumer, key.Source, key.ID, s.now())
	if err != nil {
		return false, store.Fault(fmt.Errorf("mark event: %w", err))
	}
	return tag.RowsAffected() == 1, nil
}

// ForgetProcessed drops the marks that are too old for anybody to send their events again.
func (s *Store) ForgetProcessed(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM processed_event WHERE processed_at < $1`, s.now().Add(-keepProcessed))
	if err != nil {
		return store.Fault(fmt.Errorf("forget old events: %w", err))
	}
	return nil
}
