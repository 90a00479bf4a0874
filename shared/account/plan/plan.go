// Package plan says what users may have: what each plan allows, and the limits that hold in all of them.
//
// It stands apart from package account, which gives its names too, so that who only shows the numbers links no
// database driver. Nobody else knows plans.
package plan

import "time"

// Plan is what a user pays for. Nobody outside this package and account compares plans: ask EntitlementsFor.
type Plan string

// The plans.
const (
	Free Plan = "free"
	Pro  Plan = "pro"
)

// Unlimited stands for "no limit" in the numbers of Entitlements.
const Unlimited = -1

// Limits of a handle. One letter is too easily mistaken for a typo; 16 bytes is what Libera.Chat, the largest
// network, takes as a nickname (RFC 2812's 9 is history), and far below the 63 of a DNS label.
const (
	MinHandle = 2
	MaxHandle = 16
)

// MaxPasswords is how many connection passwords of a user may be live: more clients than anybody has, fewer than
// would burden us.
const MaxPasswords = 25

// Forever is the scrollback or lifetime that never ends.
const Forever time.Duration = -1

// Entitlements are what a plan allows: the numbers and booleans that every other part asks for.
type Entitlements struct {
	UpstreamNetworks  int           // IRC networks at once, or Unlimited
	Scrollback        time.Duration // how long messages are kept, or Forever
	DedicatedBouncers int           // bouncers of one's own; 0 means the shared one
	CustomHostname    bool          // {handle}.irc.now
	Networks          bool          // may own IRC networks, each under a hosting plan
	HostedNetworks    int           // IRC networks of one's own that the hosting plan pays for
	NetworkUsers      int           // people on each of them at once
	Bots              int           // or Unlimited
	Pastes            int           // or Unlimited
	PasteLifetime     time.Duration // or Forever
	ImageBytes        int64         // all images together
	LogSearch         bool          // full text search over the scrollback
}

var entitlements = map[Plan]Entitlements{
	Free: {
		UpstreamNetworks: 1,
		Scrollback:       48 * time.Hour,
		Bots:             1,
		Pastes:           5,
		PasteLifetime:    24 * time.Hour,
		ImageBytes:       50 << 20,
	},
	Pro: {
		UpstreamNetworks:  Unlimited,
		Scrollback:        Forever,
		DedicatedBouncers: 1,
		CustomHostname:    true,
		Networks:          true,
		Bots:              5,
		Pastes:            Unlimited,
		PasteLifetime:     Forever,
		ImageBytes:        1 << 30,
	},
}

// EntitlementsFor says what plan allows by itself, without add-ons and hosting. A plan we do not know allows what Free
// does. Whoever has an account.User asks User.Entitlements.
func EntitlementsFor(plan Plan) Entitlements {
	if e, known := entitlements[plan]; known {
		return e
	}
	return entitlements[Free]
}

// Title is the plan's name for people.
func (p Plan) Title() string {
	if p == Pro {
		return "Pro"
	}
	return "Free"
}

// Allows reports whether one more may be added where have are there already and limit is a number of Entitlements.
func Allows(limit, have int) bool { return limit == Unlimited || have < limit }
