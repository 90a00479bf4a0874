// Package words says in words, for pages, what plans give.
package words

import (
	"fmt"
	"strconv"
	"time"

	"irc.now/shared/account"
)

// Plan is a plan in words.
type Plan struct {
	Title      string
	Networks   string // "one network", "as many networks as you like"
	Scrollback string
	Bouncer    string
}

// PlanOf says what the user's plan gives.
func PlanOf(user account.User) Plan {
	allowed := user.Entitlements()
	return Plan{
		Title:      user.Plan.Title(),
		Networks:   Networks(allowed.UpstreamNetworks),
		Scrollback: Scrollback(allowed.Scrollback),
		Bouncer:    Bouncer(allowed.DedicatedBouncers),
	}
}

// OnShared is what of a plan there is on the shared bouncer, which keeps what was said as long as it does for everybody.
func (p Plan) OnShared() Plan {
	p.Bouncer, p.Scrollback = Bouncer(0), Scrollback(account.Holdings{}.Entitlements().Scrollback)
	return p
}

// Networks says how many networks, upstream or hosted, there are or may be.
func Networks(count int) string {
	switch count {
	case account.Unlimited:
		return "as many networks as you like"
	case 1:
		return "one network"
	default:
		return strconv.Itoa(count) + " networks"
	}
}

// Scrollback says how much of what was said is kept.
func Scrollback(length time.Duration) string {
	switch {
	case length == account.Forever:
		return "everything, for good"
	case length%(24*time.Hour) == 0 && length > 48*time.Hour:
		return fmt.Sprintf("the last %d days", length/(24*time.Hour))
	default:
		return fmt.Sprintf("the last %d hours", length/time.Hour)
	}
}

// Bouncer says which bouncer a plan with so many dedicated ones is on.
func Bouncer(dedicated int) string {
	if dedicated > 0 {
		return "a bouncer of your own"
	}
	return "the shared bouncer"
}
