package account

import "irc.now/shared/account/plan"

// What plans are and allow: see package plan.
type (
	Plan         = plan.Plan
	Entitlements = plan.Entitlements
)

// The plans, and the words for their limits.
const (
	Free      = plan.Free
	Pro       = plan.Pro
	Unlimited = plan.Unlimited
	Forever   = plan.Forever
)

// EntitlementsFor says what a plan allows. A plan we do not know allows what Free does.
func EntitlementsFor(p Plan) Entitlements { return plan.EntitlementsFor(p) }

// Allows reports whether one more may be added where have are there already and limit is a number of Entitlements.
func Allows(limit, have int) bool { return plan.Allows(limit, have) }
