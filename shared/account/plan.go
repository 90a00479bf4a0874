package account

import "irc.now/shared/account/plan"

// Package plan says what these are; here they have the names that go with a User.
type (
	// Plan is what a user pays for.
	Plan = plan.Plan
	// Entitlements are what a user's holdings allow.
	Entitlements = plan.Entitlements
	// Hosting is the plan that pays for IRC networks of one's own.
	Hosting = plan.Hosting
	// Holdings are what a user pays for, all together.
	Holdings = plan.Holdings
)

// The plans, and the words for their limits.
const (
	Free      = plan.Free
	Pro       = plan.Pro
	NoHosting = plan.NoHosting
	Starter   = plan.Starter
	Growth    = plan.Growth
	Unlimited = plan.Unlimited
	Forever   = plan.Forever

	MaxExtraBots = plan.MaxExtraBots
)

// EntitlementsFor says what a plan allows by itself, without add-ons and hosting. A plan we do not know allows what
// Free does. Whoever has a User asks User.Entitlements.
func EntitlementsFor(p Plan) Entitlements { return plan.EntitlementsFor(p) }

// Allows reports whether one more may be added where have are there already and limit is a number of Entitlements.
func Allows(limit, have int) bool { return plan.Allows(limit, have) }
