package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/store"
)

const (
	// gracesPerTick and graceTimeout leave a tick the time to end; the next one goes on.
	gracesPerTick = 50
	graceTimeout  = 15 * time.Second
)

// tick forgets what is old and ends what is over.
func (f *Function) tick(ctx context.Context) error {
	return errors.Join(inbox.Forget(ctx, f.Pool, time.Now()), f.endGraces(ctx))
}

// endGraces tells of each customer whose time after a downgrade is over. Where that fails, the next tick tries again.
func (f *Function) endGraces(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, graceTimeout)
	defer cancel()
	ending, err := f.accounts.EndingGraces(ctx, gracesPerTick)
	if err != nil {
		return err
	}
	var all []error
	for _, customer := range ending {
		if ctx.Err() != nil {
			break
		}
		if err := f.endGrace(ctx, customer); err != nil {
			all = append(all, fmt.Errorf("end grace of %s: %w", customer.CustomerID, err))
		}
	}
	return errors.Join(all...)
}

// endGrace syncs the customer before anybody hears that the grace is over: Stripe's notice of a payment may be late
// or lost, and whoever pays keeps what they have. A loss that only shows now has a grace of its own, from now.
func (f *Function) endGrace(ctx context.Context, customer account.Customer) error {
	to, err := f.ask(ctx, customer.Billing)
	if err != nil {
		return err
	}
	var synced account.Synced
	var ended bool
	err = store.InTx(ctx, f.Pool, func(tx pgx.Tx) (err error) {
		if synced, err = f.accounts.Sync(ctx, tx, customer, to, inbox.Key{}); err != nil {
			return err
		}
		if ended, err = f.accounts.EndGrace(ctx, tx, customer.CustomerID); err != nil || !ended {
			return err
		}
		return announce(ctx, tx, event.GraceEnded{Account: customer.AccountID})
	})
	if errors.Is(err, account.ErrMoved) {
		return nil // another has synced the customer since; what is over then, the next tick finds
	}
	if err != nil {
		return err
	}
	f.relay.Wake()
	if ended {
		f.graces.Inc()
	}
	f.log.InfoContext(ctx, "time after a downgrade is over", "user", customer.AccountID,
		"plan", synced.After.Plan, "standing", to.Standing, "told", ended)
	return nil
}

func announce(ctx context.Context, tx pgx.Tx, fact event.Payload) error {
	e, err := event.New(event.SourceAccounts, fact)
	if err != nil {
		return err
	}
	return outbox.Write(ctx, tx, e)
}
