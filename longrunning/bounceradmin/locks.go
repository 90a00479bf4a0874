package bounceradmin

import (
	"context"
	"sync"

	"irc.now/shared/fault"
)

// locks makes the writes of one user wait for each other. Users that nobody works on take no memory.
type locks struct {
	mu   sync.Mutex
	held map[string]*holder
}

type holder struct {
	turn  chan struct{} // holds one value while somebody works
	users int           // working or waiting
}

// lock waits for the user's turn, at most until ctx ends.
func (l *locks) lock(ctx context.Context, user string) (unlock func(), err error) {
	l.mu.Lock()
	h, there := l.held[user]
	if !there {
		h = &holder{turn: make(chan struct{}, 1)}
		l.held[user] = h
	}
	h.users++
	l.mu.Unlock()
	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn; l.leave(user, h) }, nil
	case <-ctx.Done():
		l.leave(user, h)
		return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "Another change of yours is still under way. Please try again.")
	}
}

func (l *locks) leave(user string, h *holder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(l.held, user)
	}
}
