package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/store"
)

// settle is how long a sign-in that was under way when its password was revoked may take to finish. Closing
// connections earlier could miss the one it opens.
const settle = 2 * time.Second

// Disconnect asks for a user's live connections to be closed, because credentials that may have opened them died.
type Disconnect struct {
	UserID      string
	Handle      Handle // empty: the user never could connect, so nothing is to be closed
	PasswordIDs []string
	TokenHashes [][]byte
}

// PendingDisconnects lists up to limit users whose connections are to be closed. A password that was never used
// opened none and is left out.
func (s *Store) PendingDisconnects(ctx context.Context, limit int) ([]Disconnect, error) {
	rows, _ := s.pool.Query(ctx, `
		WITH dead AS (
			SELECT account_id, id AS password_id, NULL::bytea AS token_hash, revoked_at AS since
			FROM connection_password
			WHERE revoked_at <= $1 AND disconnected_at IS NULL AND last_used_at IS NOT NULL
			UNION ALL
			SELECT account_id, NULL, hash, dead_at FROM accepted_token WHERE dead_at <= $1)
		SELECT a.id::text AS user_id, coalesce(a.handle, '') AS handle,
			coalesce(array_agg(password_id) FILTER (WHERE password_id IS NOT NULL), '{}') AS password_ids,
			coalesce(array_agg(token_hash) FILTER (WHERE token_hash IS NOT NULL), '{}') AS token_hashes
		FROM dead JOIN account a ON a.id = dead.account_id
		GROUP BY a.id ORDER BY min(since) LIMIT $2`, s.now().Add(-settle), limit)
	pending, err := pgx.CollectRows(rows, pgx.RowToStructByName[Disconnect])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("find connections to close: %w", err))
	}
	return pending, nil
}

// Disconnected remembers that the connections d asks about were closed.
func (s *Store) Disconnected(ctx context.Context, d Disconnect) error {
	err := store.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE connection_password SET disconnected_at = $2 WHERE id = ANY($1)`,
			d.PasswordIDs, s.now()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM accepted_token WHERE hash = ANY($1) AND dead_at IS NOT NULL`, d.TokenHashes)
		return err
	})
	if err != nil {
		return store.Fault(fmt.Errorf("remember closed connections: %w", err))
	}
	return nil
}
