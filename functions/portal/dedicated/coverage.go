package dedicated

import (
	"time"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

// Coverage says whether a user's plan has a dedicated bouncer, and what becomes of one that is there if it has none.
type Coverage struct {
	Allowed   bool
	Plan      string
	KeepUntil *time.Time // until when one that is there runs on; nil where no downgrade said so
}

// CoverageOf reads it from what the user has and what billing says.
func CoverageOf(user account.User, billing account.Billing) Coverage {
	allowed := account.Allows(user.Entitlements().DedicatedBouncers, 0)
	return Coverage{Allowed: allowed, Plan: user.Plan.Title(), KeepUntil: billing.KeepUntil}
}

// End says that a bouncer that runs will be stopped, and when. The shared template dedicated-ends shows it.
type End struct {
	Plan  string
	Until *time.Time // nil where it may happen at any moment
}

// EndOf is nil where b is stopped already, or runs on.
func (c Coverage) EndOf(b *v1alpha1.SojuBouncer) *End {
	switch {
	case c.Allowed || c.KeepUntil == nil || b.Spec.Stopped() || b.DeletionTimestamp != nil:
		return nil
	case time.Now().Before(*c.KeepUntil):
		return &End{c.Plan, c.KeepUntil}
	default:
		return &End{c.Plan, nil}
	}
}
