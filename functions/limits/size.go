package limits

import (
	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

// size is how many clients a network takes, and whose word that is. In its numbers, 0 sets no limit.
type size struct {
	maxClients int // what the network says
	planned    int // what we wrote last; while it is still there, it is our number and not the owner's
	chosen     int // what the owner had chosen when we wrote that
	hosting    v1alpha1.Hosting
}

// clients is how many are let in.
func (s size) clients() int { return lower(s.maxClients, int(s.hosting.Clients())) }

// wanted is the owner's choice; 0 is as many as the plan allows.
func (s size) wanted() int {
	if s.maxClients == s.planned {
		return s.chosen
	}
	return s.maxClients
}

// fitted is the size under the plan: what the owner wants, or what the plan allows where that is less. It is smaller
// than s only where shrink allows that.
func (s size) fitted(a allowance, shrink bool) size {
	if a.clients == 0 {
		return s
	}
	wanted := s.wanted()
	most := lower(wanted, max(a.clients, 0)) // Unlimited is negative
	to := size{maxClients: most, planned: most, chosen: wanted, hosting: s.hostingFor(a.hosting, most)}
	switch {
	case !shrink && lower(most, s.clients()) != s.clients():
		return s
	case to.maxClients == s.maxClients && to.hosting == s.hosting:
		return s
	}
	return to
}

// hostingFor keeps the name of the hosting plan in a network that has it, for operators that still go by it. It goes
// where it would let in fewer than most.
func (s size) hostingFor(plan account.Hosting, most int) v1alpha1.Hosting {
	hosting := v1alpha1.Hosting(plan)
	if s.hosting == "" || hosting.Clients() == 0 || lower(most, int(hosting.Clients())) != most {
		return ""
	}
	return hosting
}

// lower is the lower of two limits, of which 0 is none.
func lower(x, y int) int {
	if x == 0 || y != 0 && y < x {
		return y
	}
	return x
}
