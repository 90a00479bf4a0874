// Package background runs what goes on beside requests, from the start of a program's part to its stop, and steps of one
// start or stop beside each other.
//
// It knows nothing of what runs, logs nothing and restarts nothing: a loop that may fail says itself what follows.
package background

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Group is the goroutines of one part, which end with [Group.Stop]. The zero value is ready; a Group that was stopped
// stays so. It is safe for concurrent use and must not be copied.
type Group struct {
	mu         sync.Mutex
	soft, hard context.Context // nil until the first Go
	cancel     context.CancelFunc
	kill       context.CancelFunc
	running    int
	stopped    chan struct{} // nil until Stop; closed when nothing runs any more
}

// Go runs f in a goroutine of its own and reports whether it does: after Stop nothing begins. soft ends when Stop is
// called, and f takes no new work then; hard ends when Stop waits no longer, and f gives up what it has under way. Their
// life is the group's, so a caller's context, which ends with its request or start, is none of theirs.
func (g *Group) Go(f func(soft, hard context.Context)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped != nil {
		return false
	}
	if g.soft == nil {
		g.hard, g.kill = context.WithCancel(context.Background())
		g.soft, g.cancel = context.WithCancel(g.hard)
	}
	g.running++
	go func(soft, hard context.Context) {
		defer g.ended()
		f(soft, hard)
	}(g.soft, g.hard)
	return true
}

func (g *Group) ended() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.running == 0 && g.stopped != nil {
		close(g.stopped)
	}
}

// Stop lets everything end, waits for it and returns nil. When ctx ends first, what is under way is cut short, which is
// waited for too, and ctx's error returned. A stopped group, and one in which nothing runs, returns nil at once.
func (g *Group) Stop(ctx context.Context) error {
	stopped := g.stop()
	select {
	case <-stopped:
		return nil
	default:
	}
	defer g.kill()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		g.kill()
		<-stopped
		return ctx.Err()
	}
}

// stop begins the end, once, and returns what tells that it has come.
func (g *Group) stop() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped != nil {
		return g.stopped
	}
	g.stopped = make(chan struct{})
	if g.cancel != nil {
		g.cancel()
	}
	if g.running == 0 {
		close(g.stopped)
	}
	return g.stopped
}

// Together runs steps at the same time and returns when all are done, with all their errors.
func Together(steps ...func() error) error {
	errs := make([]error, len(steps))
	var running sync.WaitGroup
	for i, step := range steps {
		running.Go(func() { errs[i] = step() })
	}
	running.Wait()
	return errors.Join(errs...)
}

// Every calls f at each interval, for the first time after one, until ctx ends. Where f takes longer than that, calls
// are left out rather than made up for. What has to be done at once is called before.
func Every(ctx context.Context, interval time.Duration, f func(ctx context.Context)) {
	clock := time.NewTicker(interval)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			if ctx.Err() == nil { // both may have come
				f(ctx)
			}
		}
	}
}
