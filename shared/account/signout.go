package account

import (
	"context"
	"fmt"

	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// SignOutEverywhere ends what the user got by signing in so far, wherever that was: sign-ins from before are refused, and
// the connections that their access tokens opened are to be closed (see PendingDisconnects). Connection passwords stay.
func (s *Store) SignOutEverywhere(ctx context.Context, userID string) error {
	tag, err := s.pool.Exec(ctx, `UPDATE account SET signed_out_at = $2 WHERE id = $1`, userID, s.now())
	if err != nil {
		return store.Fault(fmt.Errorf("sign out everywhere: %w", err))
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "There is no such account.")
	}
	// Not in one transaction with the above: a token that is accepted meanwhile is either found here, or its acceptance,
	// which looks at the account once more when the token is recorded, finds the above.
	_, err = s.pool.Exec(ctx, `UPDATE accepted_token SET dead_at = $2 WHERE account_id = $1 AND dead_at IS NULL`, userID, s.now())
	if err != nil {
		return store.Fault(fmt.Errorf("end access tokens: %w", err))
	}
	return nil
}
