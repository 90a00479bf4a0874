package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"irc.now/shared/background"
	"irc.now/shared/store"
)

const sweepEvery = 10 * time.Minute

// sweep forgets what has expired and rotates signing keys until ctx ends.
func (p *Provider) sweep(ctx context.Context) {
	background.Every(ctx, sweepEvery, func(ctx context.Context) {
		if err := errors.Join(p.forgetExpired(ctx), p.rotateKeys(ctx)); err != nil && ctx.Err() == nil {
			p.config.Log.ErrorContext(ctx, "sweep of the identity database failed", slog.Any("error", err))
		}
	})
}

// forgetExpired deletes rows that no query would find any more. A grant goes once it has no token left to use.
func (p *Provider) forgetExpired(ctx context.Context) error {
	for _, statement := range []string{
		`DELETE FROM sessions WHERE expires_at < $1`,
		`DELETE FROM auth_requests WHERE expires_at < $1`,
		`DELETE FROM access_tokens WHERE expires_at < $1`,
		`DELETE FROM refresh_tokens WHERE expires_at < $1`,
	} {
		if _, err := p.pool.Exec(ctx, statement, p.now()); err != nil {
			return store.Fault(fmt.Errorf("forget what expired: %w", err))
		}
	}
	_, err := p.pool.Exec(ctx, `DELETE FROM grants g
		WHERE NOT EXISTS (SELECT FROM access_tokens t WHERE t.grant_id = g.id)
		  AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.grant_id = g.id)`)
	if err != nil {
		return store.Fault(fmt.Errorf("forget empty grants: %w", err))
	}
	return nil
}
