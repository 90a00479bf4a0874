package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/store"
)

// BillingState is what a customer has, as Stripe said after the [Customer] had been read.
type BillingState struct {
	Standing  Standing
	PeriodEnd *time.Time
	Holdings  Holdings
}

// Synced is what a state changed.
type Synced struct {
	Before, After User
	KeepUntil     *time.Time // set by this state when it took something away
}

// Changed reports whether the user has other things than before.
func (s Synced) Changed() bool { return s.Before.Holdings() != s.After.Holdings() }

// ErrMoved says that somebody else synced the customer in between, applied the event, or made the user another customer:
// look again, and ask Stripe again.
var ErrMoved = errors.New("the customer was synced by another")

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Sync writes what the customer has, the mark that the event of key was applied (none for the zero key), and
// event.PlanChanged into the outbox where the user has other things than before: all of it or nothing, in one statement,
// since there are many of them at a month's end. It is ErrMoved, with nothing written, where from is not what is there any
// more. It deletes nothing that a lower limit does not allow.
func (s *Store) Sync(ctx context.Context, db Querier, from Customer, to BillingState, key inbox.Key) (Synced, error) {
	result := s.compare(from.User, to)
	events, err := planChanged(ctx, result)
	if err != nil {
		return Synced{}, err
	}
	args := key.Args()
	for name, value := range map[string]any{
		"account": from.AccountID, "customer": from.CustomerID, "version": from.Version,
		"standing": to.Standing, "period_end": to.PeriodEnd, "keep_until": result.KeepUntil, "now": s.now(),
		"changed": result.Changed(), "plan": result.After.Plan, "log_search": result.After.LogSearch,
		"extra_bots": result.After.ExtraBots, "hosting": result.After.Hosting, "events": events,
	} {
		args[name] = value
	}
	var synced int
	if err := db.QueryRow(ctx, syncStatement, args).Scan(&synced); err != nil {
		return Synced{}, store.Fault(fmt.Errorf("sync customer: %w", err))
	}
	if synced == 0 {
		return Synced{}, ErrMoved
	}
	return result, nil
}

// syncStatement relies on the version: whoever else has written since the customer was read has made it another, and what
// the account has is written under it alone. The lock on the billing's row keeps others from syncing meanwhile.
const syncStatement = `
	WITH synced AS (
		UPDATE billing SET standing = @standing, period_end = @period_end, keep_until = coalesce(@keep_until, keep_until),
			version = version + 1, updated_at = @now
		WHERE account_id = @account AND customer_id = @customer AND version = @version AND NOT ` + inbox.Processed + `
		RETURNING account_id),
	marked AS (
		INSERT INTO processed_event (consumer, source, id, processed_at)
		SELECT @event_consumer, @event_source, @event_id, @now FROM synced WHERE @event_id <> ''
		ON CONFLICT DO NOTHING),
	given AS (
		UPDATE account SET plan = @plan, log_search = @log_search, extra_bots = @extra_bots, hosting = @hosting
		WHERE id IN (SELECT account_id FROM synced) AND @changed::boolean),
	told AS (INSERT INTO outbox (event) SELECT told.event FROM synced, unnest(@events::text[]) AS told (event))
	SELECT count(*) FROM synced`

// compare is what a state changes, and until when what it takes away is left.
func (s *Store) compare(before User, to BillingState) Synced {
	h := to.Holdings.Normal()
	result := Synced{Before: before, After: before}
	result.After.Plan, result.After.LogSearch, result.After.ExtraBots, result.After.Hosting = h.Plan, h.LogSearch, h.ExtraBots, h.Hosting
	if !result.After.Entitlements().Covers(before.Entitlements()) {
		until := s.now().Add(Grace)
		result.KeepUntil = &until
	}
	return result
}

// planChanged is the event of ours as the outbox keeps it; none where nothing has changed.
func planChanged(ctx context.Context, s Synced) ([]string, error) {
	if !s.Changed() {
		return nil, nil
	}
	e, err := event.New(event.SourceAccounts, event.PlanChanged{
		Account: s.After.ID, From: string(s.Before.Plan), To: string(s.After.Plan),
	})
	if err != nil {
		return nil, err
	}
	encoded, err := outbox.Encode(ctx, e)
	return []string{encoded}, err
}
