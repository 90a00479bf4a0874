package outbox

import (
	"context"
	"fmt"
	"time"

	"irc.now/shared/store"
)

// Lag is what an outbox still has to send, refused events included.
type Lag struct {
	Unsent int
	Oldest time.Duration // how long ago the oldest was written; 0 where there is none
}

// Lag looks at the outbox.
func (r *Relay) Lag(ctx context.Context) (Lag, error) {
	var l Lag
	err := r.pool.QueryRow(ctx, `SELECT count(*), coalesce(now() - min(written_at), interval '0') FROM outbox WHERE sent_at IS NULL`).
		Scan(&l.Unsent, &l.Oldest)
	if err != nil {
		return l, store.Fault(fmt.Errorf("look at the outbox: %w", err))
	}
	return l, nil
}
