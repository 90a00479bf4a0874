package plan

import "time"

// Hosting is the plan that pays for IRC networks of one's own. The zero Hosting is none.
type Hosting string

// The hosting plans.
const (
	NoHosting Hosting = ""
	Starter   Hosting = "starter"
	Growth    Hosting = "growth"
)

// hostingShare is what a hosting plan adds.
type hostingShare struct{ networks, users, bots int }

var hostingShares = map[Hosting]hostingShare{
	Starter: {networks: 1, users: 50, bots: 3},
	Growth:  {networks: 3, users: 200, bots: 10},
}

// Title is the hosting plan's name for people; empty for none.
func (h Hosting) Title() string {
	switch h {
	case Starter:
		return "Starter"
	case Growth:
		return "Growth"
	default:
		return ""
	}
}

// Better reports whether h pays for more than other does.
func (h Hosting) Better(other Hosting) bool {
	return hostingShares[h].networks > hostingShares[other].networks
}

// MaxExtraBots is how many bots may be bought one by one. What Stripe says above it counts as this many, so that a
// slip of a zero in its dashboard does not become thousands of connections.
const MaxExtraBots = 100

// Holdings are what a user pays for. The zero Holdings are a free account.
type Holdings struct {
	Plan      Plan // empty means Free
	LogSearch bool
	ExtraBots int
	Hosting   Hosting
}

// Normal is h with an empty or unknown plan and hosting spelled Free and NoHosting and the number of bots within
// bounds, so that equal holdings are equal values.
func (h Holdings) Normal() Holdings {
	if _, known := entitlements[h.Plan]; !known {
		h.Plan = Free
	}
	if _, known := hostingShares[h.Hosting]; !known {
		h.Hosting = NoHosting
	}
	h.ExtraBots = min(max(h.ExtraBots, 0), MaxExtraBots)
	return h
}

// Entitlements are what h allows: the one place where plan, add-ons and hosting become limits. Hosting needs a plan
// that may own networks; without one it gives nothing. Add-ons work with every plan.
func (h Holdings) Entitlements() Entitlements {
	h = h.Normal()
	e := EntitlementsFor(h.Plan)
	e.LogSearch = h.LogSearch
	e.Bots = add(e.Bots, h.ExtraBots)
	if e.Networks {
		share := hostingShares[h.Hosting]
		e.HostedNetworks, e.NetworkUsers = share.networks, share.users
		e.Bots = add(e.Bots, share.bots)
	}
	return e
}

// Covers reports whether everything that other allows is allowed by e as well: a change from other to e takes
// nothing away.
func (e Entitlements) Covers(other Entitlements) bool {
	return covers(e.UpstreamNetworks, other.UpstreamNetworks) &&
		coversTime(e.Scrollback, other.Scrollback) &&
		covers(e.DedicatedBouncers, other.DedicatedBouncers) &&
		(e.CustomHostname || !other.CustomHostname) &&
		(e.Networks || !other.Networks) &&
		covers(e.HostedNetworks, other.HostedNetworks) &&
		covers(e.NetworkUsers, other.NetworkUsers) &&
		covers(e.Bots, other.Bots) &&
		covers(e.Pastes, other.Pastes) &&
		coversTime(e.PasteLifetime, other.PasteLifetime) &&
		e.ImageBytes >= other.ImageBytes &&
		(e.LogSearch || !other.LogSearch)
}

func add(limit, more int) int {
	if limit == Unlimited {
		return Unlimited
	}
	return limit + more
}

func covers(limit, other int) bool { return limit == Unlimited || other != Unlimited && limit >= other }

func coversTime(limit, other time.Duration) bool {
	return limit == Forever || other != Forever && limit >= other
}
