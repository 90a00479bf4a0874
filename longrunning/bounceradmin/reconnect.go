package bounceradmin

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/bouncer"
)

const connectionsQuery = `SELECT u.username, COALESCE(NULLIF(n.name, ''), n.addr)
FROM "Network" n JOIN "User" u ON u.id = n."user" WHERE n.enabled AND lower(n.addr) = lower($1) ORDER BY n.id`

// Reconnect makes soju connect at once to the server at address, for all users who have it. soju waits a minute and more after a
// server went away, which is kind to servers of others; who has just restarted a server of ours knows better. It returns how
// many connections it asked for, and the errors of those that could not be.
func (s *Server) Reconnect(ctx context.Context, address bouncer.Address) (asked int, err error) {
	type connection struct{ user, network string }
	var connections []connection
	err = s.records.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, connectionsQuery, address.String())
		if err != nil {
			return err
		}
		connections, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c connection, err error) {
			return c, row.Scan(&c.user, &c.network)
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, c := range connections {
		if err := s.reconnect(ctx, c.user, c.network); err != nil {
			errs = append(errs, fmt.Errorf("connect %s anew: %w", c.user, err))
			continue
		}
		asked++
	}
	return asked, errors.Join(errs...)
}

// reconnect tells soju what it knows, which makes it connect.
func (s *Server) reconnect(ctx context.Context, user, network string) error {
	unlock, err := s.locks.lock(ctx, user)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = s.soju.as(ctx, user, "network", "update", network, "-enabled", "true")
	return err
}
