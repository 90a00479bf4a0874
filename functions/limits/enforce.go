package limits

import (
	"context"
	"errors"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/event"
	"irc.now/shared/fault"
)

// maxTries bounds how often the plan may change again while its limits are enforced.
const maxTries = 5

// subject is the account whose plan to look at; empty where the event is none of ours.
func subject(e event.Event) (accountID string, err error) {
	switch e.Type() {
	case event.PlanChangedType:
		changed, err := event.Decode[event.PlanChanged](e)
		return changed.Account, err
	case event.GraceEndedType:
		ended, err := event.Decode[event.GraceEnded](e)
		return ended.Account, err
	default:
		return "", nil
	}
}

// limits are what a user may have at a moment.
type limits struct {
	account.Entitlements

	hosting   account.Hosting
	graceOver bool // what is above them ends
}

// limitsOf reads whom the account belongs to, and the limits.
func (f *Function) limitsOf(ctx context.Context, accountID string) (account.User, limits, error) {
	user, err := f.accounts.ByID(ctx, accountID)
	if err != nil {
		return user, limits{}, err
	}
	billing, err := f.accounts.BillingOf(ctx, accountID)
	return user, limits{user.Entitlements(), user.Holdings().Hosting, billing.GraceOver(time.Now())}, err
}

// enforce applies the limits and reads them again afterwards: of two that work on one user at once, the one with the
// older answer may be the last to be heard, but then it sees that it is wrong.
func (f *Function) enforce(ctx context.Context, accountID string) error {
	user, now, err := f.limitsOf(ctx, accountID)
	for range maxTries {
		switch {
		case fault.Is(err, fault.NotFound):
			f.log.InfoContext(ctx, "the plan of nobody changed", "user", accountID)
			return nil
		case err != nil:
			return err
		case user.Handle == "":
			return nil // not at the bouncer yet; the portal tells it the limit when it is
		}
		applied := now
		failed := f.apply(ctx, user, applied)
		if failed != nil && !errors.Is(failed, errConflict) {
			return failed
		}
		user, now, err = f.limitsOf(ctx, accountID)
		if failed == nil && err == nil && now == applied {
			f.log.InfoContext(ctx, "limits are enforced", "user", accountID, "upstreams", applied.UpstreamNetworks)
			return nil
		}
	}
	return fault.Wrap(errors.New("the plan keeps changing"), fault.Unavailable, "Too much happens to this user at once.")
}

// apply fits what the user has to the limits, then tells bouncers: one that is started has to hear it.
func (f *Function) apply(ctx context.Context, user account.User, l limits) error {
	err := f.fit(ctx, user, l)
	if errors.Is(err, errConflict) {
		return err
	}
	return errors.Join(err, f.tell(ctx, user, l)) // the one does not wait for the other
}

// tell gives the limit of upstreams to the shared bouncer and to the user's dedicated one, if there is one.
func (f *Function) tell(ctx context.Context, user account.User, l limits) error {
	ensure := func(at *bouncer.Admin) error { return at.EnsureUser(ctx, string(user.Handle), l.UpstreamNetworks) }
	return errors.Join(ensure(f.shared), f.dedicated.Tell(ctx, string(user.Handle), ensure))
}
