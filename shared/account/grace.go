package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/store"
)

// Grace is how long what a downgrade put over the limits is left as it is.
const Grace = 14 * 24 * time.Hour

// GraceOver reports whether the time after a downgrade is over at the given time. What was over the limits may be
// stopped then, if it still is. Who never had a downgrade has no such time.
func (b Billing) GraceOver(at time.Time) bool { return b.KeepUntil != nil && !at.Before(*b.KeepUntil) }

// EndingGraces gives up to limit customers whose grace is over and was not ended by [Store.EndGrace] yet. Of more, it is
// left to chance which: those whose end fails must not keep the others waiting.
func (s *Store) EndingGraces(ctx context.Context, limit int) ([]Customer, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT `+billingColumns+`, `+userColumns+` FROM billing JOIN account ON account.id = billing.account_id
		WHERE keep_until <= $1 AND keep_until IS DISTINCT FROM grace_told ORDER BY random() LIMIT $2`, s.now(), limit)
	ending, err := pgx.CollectRows(rows, pgx.RowToStructByName[Customer])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("find graces that are over: %w", err))
	}
	return ending, nil
}

// EndGrace records within tx that the customer's grace is over. It is false where it is not over, or was ended before:
// then there is nothing to tell.
func (s *Store) EndGrace(ctx context.Context, tx pgx.Tx, customerID string) (ended bool, err error) {
	tag, err := tx.Exec(ctx, `
		UPDATE billing SET grace_told = keep_until
		WHERE customer_id = $1 AND keep_until <= $2 AND keep_until IS DISTINCT FROM grace_told`, customerID, s.now())
	if err != nil {
		return false, store.Fault(fmt.Errorf("end grace: %w", err))
	}
	return tag.RowsAffected() == 1, nil
}
