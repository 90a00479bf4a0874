package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/store"
)

// A sign-in that was under way when its credential died ends in a connection, too. Most take a moment, so connections
// are closed after settle. But soju gives a client thirty seconds from connecting to the end of its registration, and
// one that has authenticated and then dawdles has nothing yet that could be closed. So they are closed once more after
// lastCall, which the index of migration 2 repeats; only then is it done.
//
// A bouncer cannot tell which credential opened a connection, so all of the user's are closed, and a second time hurts: some
// clients wait for minutes before they come back again. It is left out for a credential that nobody has used for so long that no
// sign-in can be under way.
const (
	settle   = 2 * time.Second
	lastCall = 35 * time.Second
	dawdling = lastCall + lastUsedEvery // the time of the last use is exact to that
)

// Disconnect asks for a user's live connections to be closed, because credentials that may have opened them died.
type Disconnect struct {
	UserID      string
	Handle      Handle // empty: the user never could connect, so nothing is to be closed
	PasswordIDs []string
	TokenHashes [][]byte

	asked time.Time // connections that were opened later may be left when it is carried out
}

// PendingDisconnects lists up to limit users whose connections are to be closed: soon after a credential died, and once more,
// where a sign-in may have been under way, when none that began with it can be any more. A password that was never used opened
// none and is left out.
func (s *Store) PendingDisconnects(ctx context.Context, limit int) ([]Disconnect, error) {
	asked := s.now()
	rows, _ := s.pool.Query(ctx, `
		WITH dead AS (
			SELECT account_id, id AS password_id, NULL::bytea AS token_hash, revoked_at AS since
			FROM connection_password
			WHERE revoked_at <= $1 AND last_used_at IS NOT NULL
				AND (disconnected_at IS NULL OR disconnected_at - revoked_at < interval '35 seconds')
				AND (disconnected_at IS NULL OR revoked_at <= $2 AND last_used_at > revoked_at - $4::interval)
			UNION ALL
			SELECT account_id, NULL, hash, dead_at FROM accepted_token
			WHERE dead_at <= $1
				AND (disconnected_at IS NULL OR dead_at <= $2 AND coalesce(used_at, dead_at) > dead_at - $4::interval))
		SELECT a.id::text AS user_id, coalesce(a.handle, '') AS handle,
			coalesce(array_agg(password_id) FILTER (WHERE password_id IS NOT NULL), '{}') AS password_ids,
			coalesce(array_agg(token_hash) FILTER (WHERE token_hash IS NOT NULL), '{}') AS token_hashes
		FROM dead JOIN account a ON a.id = dead.account_id
		GROUP BY a.id ORDER BY min(since) LIMIT $3`, asked.Add(-settle), asked.Add(-lastCall), limit, dawdling)
	pending, err := pgx.CollectRows(rows, pgx.RowToStructByName[Disconnect])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("find connections to close: %w", err))
	}
	for i := range pending {
		pending[i].asked = asked
	}
	return pending, nil
}

// Disconnected remembers that the connections d asks about were closed.
func (s *Store) Disconnected(ctx context.Context, d Disconnect) error {
	err := store.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE connection_password SET disconnected_at = $2 WHERE id = ANY($1)`,
			d.PasswordIDs, d.asked); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE accepted_token SET disconnected_at = $2 WHERE hash = ANY($1) AND dead_at IS NOT NULL`,
			d.TokenHashes, d.asked); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			DELETE FROM accepted_token WHERE hash = ANY($1) AND (dead_at <= $2 OR used_at <= dead_at - $3::interval)`,
			d.TokenHashes, d.asked.Add(-lastCall), dawdling)
		return err
	})
	if err != nil {
		return store.Fault(fmt.Errorf("remember closed connections: %w", err))
	}
	return nil
}
