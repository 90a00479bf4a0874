package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"irc.now/shared/background"
)

// Back-off between restarts of a child that died. One that held out for steady begins anew.
const (
	firstPause = 500 * time.Millisecond
	longPause  = 30 * time.Second
	steady     = time.Minute
)

// server is a foreign program that runs as our child.
type server interface {
	Done() <-chan struct{}
	Err() error
	Stop(ctx context.Context) error
}

// keeper starts a server and starts it again whenever it dies.
type keeper struct {
	name  string
	start func(context.Context) (server, error)
	back  func(context.Context) // called when it runs again after it died; may be nil
	say   func(format string, args ...any)
	log   *slog.Logger

	tasks background.Group

	mu      sync.Mutex
	current server // nil while it is down
}

// begin starts the server for the first time and keeps it from then on. Its error is the start's.
func (k *keeper) begin(ctx context.Context) error {
	started, err := k.start(ctx)
	if err != nil {
		return fmt.Errorf("start %s: %w", k.name, err)
	}
	k.set(started)
	k.tasks.Go(func(ctx, _ context.Context) { k.keep(ctx, started) })
	return nil
}

func (k *keeper) set(s server) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = s
}

// keep waits for the server to die and brings it back, until ctx ends.
func (k *keeper) keep(ctx context.Context, running server) {
	pause := firstPause
	for {
		since := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-running.Done():
		}
		k.set(nil)
		k.say("%s has stopped by itself; starting it again.", k.name)
		k.log.ErrorContext(ctx, "child died", slog.String("child", k.name), slog.Any("error", running.Err()))
		// What a dead server holds (a lock, a folder) must be free before the next start.
		if err := running.Stop(ctx); err != nil {
			k.log.WarnContext(ctx, "clean-up after a child failed", slog.String("child", k.name), slog.Any("error", err))
		}
		if time.Since(since) > steady {
			pause = firstPause
		}
		running, pause = k.revive(ctx, pause)
		if running == nil {
			return
		}
		k.set(running)
		k.say("%s is back.", k.name)
		if k.back != nil {
			k.back(ctx)
		}
	}
}

// revive tries until the server runs, with growing pauses; nil when ctx ended meanwhile.
func (k *keeper) revive(ctx context.Context, pause time.Duration) (server, time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return nil, pause
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
		started, err := k.start(ctx)
		if err == nil {
			return started, pause
		}
		if ctx.Err() == nil {
			k.say("%s did not come back (%s); trying again in %s.", k.name, brief(err), pause)
			k.log.ErrorContext(ctx, "child did not come back", slog.String("child", k.name), slog.Any("error", err))
		}
	}
}

// end stops keeping, and then the server.
func (k *keeper) end(ctx context.Context) error {
	err := k.tasks.Stop(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil {
		err = errors.Join(err, k.current.Stop(ctx))
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", k.name, err)
	}
	return nil
}
