package limits

import (
	"cmp"
	"slices"
	"time"

	"irc.now/shared/account"
)

// resource is a dedicated bouncer or a hosted network, reduced to what counts here.
type resource struct {
	name      string
	version   string // of what was read
	made      time.Time
	suspended bool // by an administrator, which is none of our business
	overPlan  bool // stopped by us
	size      size // of a network
}

// allowance is what a user may have of one kind.
type allowance struct {
	most      int             // how many may run
	clients   int             // of each network; 0 for bouncers and without a hosting plan
	hosting   account.Hosting // for networks that name it
	graceOver bool            // what is above may be stopped, and made smaller
}

// change is what a resource becomes.
type change struct {
	resource

	toOverPlan bool
	toSize     size
}

// word says what the change does, for logs and the metric.
func (c change) word() string {
	switch {
	case c.toOverPlan && !c.overPlan:
		return "stopped"
	case c.overPlan && !c.toOverPlan:
		return "started"
	default:
		return "resized"
	}
}

// changesFor fits resources to what is allowed. Of those that run, the oldest go on and the newest are stopped; where
// there is room, the oldest of the stopped ones start. Those that an administrator suspended take nobody's place. Until
// the grace is over nothing is taken away, but what may run again is started at once.
func changesFor(resources []resource, a allowance) (changes []change) {
	slices.SortFunc(resources, func(x, y resource) int {
		return cmp.Or(compareBools(x.overPlan, y.overPlan), x.made.Compare(y.made), cmp.Compare(x.name, y.name))
	})
	running := 0
	for _, r := range resources {
		to := change{resource: r, toOverPlan: r.overPlan}
		if account.Allows(a.most, running) {
			to.toOverPlan = false
			if !r.suspended {
				running++
			}
		} else if a.graceOver {
			to.toOverPlan = true
		}
		starts := r.overPlan && !to.toOverPlan // it has to be what admission lets start
		to.toSize = r.size.fitted(a, a.graceOver || starts)
		if to.toOverPlan != r.overPlan || to.toSize != r.size {
			changes = append(changes, to)
		}
	}
	return changes
}

// compareBools puts false before true.
func compareBools(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	default:
		return 1
	}
}
