package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// keepSent is how long sent events stay in an outbox, for whoever looks into what happened.
const keepSent = 7 * 24 * time.Hour

// tick works on all outboxes at once: one that is away keeps no other waiting.
func (f *Function) tick(ctx context.Context) error {
	failed := make([]error, len(f.boxes))
	var all sync.WaitGroup
	for i, b := range f.boxes {
		all.Go(func() {
			if err := f.work(ctx, b); err != nil {
				failed[i] = fmt.Errorf("outbox of %s: %w", b.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// work sends what is due, forgets what is old, and measures what is left.
func (f *Function) work(ctx context.Context, b *box) error {
	_, flush := b.relay.Flush(ctx)
	_, prune := b.relay.Prune(ctx, keepSent)
	lag, look := b.relay.Lag(ctx)
	if look == nil {
		f.unsent.WithLabelValues(b.name).Set(float64(lag.Unsent))
		f.oldest.WithLabelValues(b.name).Set(lag.Oldest.Seconds())
	}
	return errors.Join(flush, prune, look)
}
