package outbox

import (
	"context"
	"sync"
	"time"
)

// flushTimeout bounds a flush that nobody waits for.
const flushTimeout = 20 * time.Second

// Wake sends what is unsent in the background and returns at once. Call it after the commit of a transaction that
// called [Write]; calls that come while it works make it look once more. What it cannot send is left to the tick.
func (r *Relay) Wake() { r.wake.call() }

// Stop waits for what Wake began, until ctx ends it. Wake does nothing from then on.
func (r *Relay) Stop(ctx context.Context) error { return r.wake.stop(ctx) }

func (r *Relay) flushAlone(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if _, err := r.Flush(ctx); err != nil {
		r.log.WarnContext(ctx, "events stay in the outbox until the next tick", "error", err)
	}
}

// waker runs work in one goroutine at a time, once more when called meanwhile. Its zero value with work set is ready.
type waker struct {
	work func(context.Context)

	mu      sync.Mutex
	idle    chan struct{}      // closed when the running goroutine ends; nil where none runs
	cancel  context.CancelFunc // of the running goroutine
	again   bool
	stopped bool
}

func (w *waker) call() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stopped:
	case w.idle != nil:
		w.again = true
	default:
		ctx, cancel := context.WithCancel(context.Background())
		w.cancel, w.idle = cancel, make(chan struct{})
		go w.run(ctx)
	}
}

func (w *waker) run(ctx context.Context) {
	for {
		w.work(ctx)
		if w.ended() {
			return
		}
	}
}

// ended takes back the call for another round, or ends the goroutine.
func (w *waker) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.again && !w.stopped {
		w.again = false
		return false
	}
	w.cancel()
	close(w.idle)
	w.idle = nil
	return true
}

func (w *waker) stop(ctx context.Context) error {
	w.mu.Lock()
	w.stopped = true
	idle, cancel := w.idle, w.cancel
	w.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		cancel()
		<-idle // at once: every step of the work heeds its context or has a deadline of its own
		return ctx.Err()
	}
}
