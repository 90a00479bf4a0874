package revoke

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

const (
	workTimeout = 25 * time.Second
	checkEvery  = 15 * time.Second // at least, per token
	batch       = 500              // tokens or users per tick
	parallel    = 8                // calls at once
)

// checkTokens asks the identity provider after the tokens that were not asked after for the longest time.
func (f *Function) checkTokens(ctx context.Context) error {
	forgetErr := f.tokens.ForgetExpired(ctx)
	tokens, err := f.tokens.ToCheck(ctx, checkEvery, batch)
	return errors.Join(forgetErr, err, each(tokens, func(t account.AcceptedToken) error {
		answer, err := f.provider.Introspect(ctx, t.Token.Reveal())
		if err != nil || answer.Active {
			return err
		}
		return f.tokens.MarkDead(ctx, t.Hash)
	}))
}

// closeConnections remembers a user as done only after the bouncer has closed the connections.
func (f *Function) closeConnections(ctx context.Context) error {
	pending, err := f.accounts.PendingDisconnects(ctx, batch)
	return errors.Join(err, each(pending, func(d account.Disconnect) error {
		if d.Handle != "" {
			if err := f.disconnect(ctx, string(d.Handle)); err != nil {
				return fmt.Errorf("disconnect user %s: %w", d.UserID, err)
			}
			f.closed.Inc()
			f.log.InfoContext(ctx, "connections closed", slog.String("user", d.UserID))
		}
		return f.accounts.Disconnected(ctx, d)
	}))
}

// disconnect closes the user's connections on every bouncer: on the shared one and on their own. One that is away does
// not keep those on the other open.
func (f *Function) disconnect(ctx context.Context, handle string) error {
	closeAll := func(at *bouncer.Admin) error { return at.Disconnect(ctx, handle) }
	return errors.Join(closeAll(f.shared), f.dedicated.Tell(ctx, handle, closeAll))
}

// each does work on all items, a few at a time, and joins the errors.
func each[T any](items []T, work func(T) error) error {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed []error
		slots  = make(chan struct{}, parallel)
	)
	for _, item := range items {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := work(item); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}
