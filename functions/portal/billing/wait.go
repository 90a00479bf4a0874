package billing

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"irc.now/shared/account"
)

// waitLasts is how long a page waits for functions/billing before it asks Stripe by itself.
const waitLasts = 20 * time.Second

// wait is what a page waits for: that the billing gets past a version. It is in the page's address, where anybody may write
// what they like: it decides only what they are told of their own billing.
type wait struct {
	after int64 // -1 where nothing is waited for
	since time.Time
}

func waitOf(r *http.Request) wait {
	query := r.URL.Query()
	after, err := strconv.ParseInt(query.Get("after"), 10, 64)
	if err != nil || after < 0 {
		return wait{after: -1}
	}
	since, _ := strconv.ParseInt(query.Get("since"), 10, 64) // no time is long ago
	return wait{after, time.Unix(since, 0)}
}

func (w wait) query() string { return fmt.Sprintf("after=%d&since=%d", w.after, w.since.Unix()) }

// GET /billing/back is where who has paid comes back to.
func (a *Area) comeBack(w http.ResponseWriter, r *http.Request, user account.User) error {
	if wanted, err := wishOf(r.URL.Query()); err == nil && wanted.fulfilled(user) {
		return a.Pages.Done(w, r, Path, "Confirmed. This is what you have now.")
	}
	return a.await(w, r, user)
}

// await has functions/billing ask Stripe, and leads to the page that waits for it. Every wait is for an effect that was
// caused here, so that each ends, whether anything has changed or not, and whether Stripe's own notices arrive or not.
func (a *Area) await(w http.ResponseWriter, r *http.Request, user account.User) error {
	billing, err := a.Accounts.RequestSync(r.Context(), user.ID)
	if err != nil {
		return err
	}
	a.wake()
	return leave(w, r, Path+"?"+wait{billing.Version, a.now()}.query())
}

func (a *Area) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// GET /billing/state is the live part alone, for the script that refreshes it.
func (a *Area) showStanding(w http.ResponseWriter, r *http.Request, user account.User) error {
	user, billing, err := a.payer(r, user)
	if err != nil {
		return err
	}
	return a.Pages.Fragment(w, "billing", "billing-standing", a.standing(r, user, billing))
}

// payer gives the user's billing, and the user as they are at that version or later: who was read before the billing could
// lack what it says has arrived.
func (a *Area) payer(r *http.Request, user account.User) (account.User, account.Billing, error) {
	billing, err := a.Accounts.BillingOf(r.Context(), user.ID)
	if err != nil || waitOf(r).after < 0 {
		return user, billing, err
	}
	user, err = a.Accounts.ByID(r.Context(), user.ID)
	return user, billing, err
}

// What has become of what a page waits for.
const (
	nothingAwaited = ""
	awaited        = "awaited"
	arrived        = "arrived"
	unchanged      = "unchanged" // Stripe has been asked: it has just what we have
	underWay       = "under way" // Stripe has been asked: it has something else, and we shall have it, too
	unknown        = "unknown"   // Stripe does not answer
)

// outcome says what has become of it. When the time for waiting is over it asks Stripe, once: the page stops then.
func (a *Area) outcome(r *http.Request, user account.User, billing account.Billing, w wait) string {
	switch {
	case w.after < 0:
		return nothingAwaited
	case billing.Version > w.after:
		return arrived
	case a.now().Sub(w.since).Abs() < waitLasts: // a time to come is no reason to wait for it
		return awaited
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.patience())
	defer cancel()
	state, err := a.Payments.State(ctx, billing.CustomerID)
	switch {
	case err != nil:
		a.Log.WarnContext(r.Context(), "nobody waits any longer, and Stripe does not answer", "user", user.ID, "error", err)
		return unknown
	case state.Standing == billing.Standing && state.Holdings == user.Holdings():
		return unchanged
	}
	a.Log.WarnContext(r.Context(), "nobody waits any longer for what Stripe says", "user", user.ID, "standing", state.Standing)
	return underWay
}
