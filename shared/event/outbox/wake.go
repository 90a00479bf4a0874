package outbox

import (
	"context"
	"sync"
	"time"

	"irc.now/shared/background"
)

// flushTimeout bounds a flush that nobody waits for.
const flushTimeout = 20 * time.Second

// Wake sends what is unsent in the background and returns at once. Call it after the commit of a transaction that
// called [Write]; calls that come while it works make it look once more. What it cannot send is left to the tick.
func (r *Relay) Wake() { r.wake.call() }

// Stop waits for what Wake began, until ctx ends it. Wake does nothing from then on.
func (r *Relay) Stop(ctx context.Context) error { return r.wake.tasks.Stop(ctx) }

func (r *Relay) flushAlone(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if _, err := r.Flush(ctx); err != nil {
		r.log.WarnContext(ctx, "events stay in the outbox until the next tick", "error", err)
	}
}

// waker runs work in one goroutine at a time, once more when called meanwhile. Its zero value with work set is ready.
type waker struct {
	work  func(context.Context) // each of its steps heeds its context or has a deadline of its own
	tasks background.Group

	mu             sync.Mutex
	running, again bool
}

func (w *waker) call() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running {
		w.again = true
		return
	}
	w.running = w.tasks.Go(w.run)
}

func (w *waker) run(soft, hard context.Context) {
	for once := true; once; once = w.more(soft) {
		w.work(hard)
	}
}

// more takes the call for another round, which nobody gets who is stopping.
func (w *waker) more(soft context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.again = w.again && soft.Err() == nil, false
	return w.running
}
