package fragment

import (
	"strconv"
	"time"

	"irc.now/functions/portal/state"
	"irc.now/functions/portal/words"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

// Upstream is an upstream as a row, for the templates upstream-rows and upstream-status.
type Upstream struct {
	bouncer.Upstream
	User string // what an IRC client gives as user name to reach this upstream
}

// StatusKind is the design's name for the upstream's state.
func (u Upstream) StatusKind() string {
	switch u.State {
	case bouncer.Connected:
		return "ok"
	case bouncer.Connecting:
		return "busy"
	case bouncer.Disabled:
		return "off"
	default:
		return "bad"
	}
}

// StatusWord says the state in a word or two.
func (u Upstream) StatusWord() string {
	switch u.State {
	case bouncer.Connected:
		return "Connected"
	case bouncer.Connecting:
		return "Connecting"
	case bouncer.Disabled:
		return "Switched off"
	default:
		return "Not connected, trying again"
	}
}

// Path is the prefix of the upstream's pages.
func (u Upstream) Path() string { return "/networks/" + strconv.FormatInt(u.ID, 10) }

// Where is the server's address for people.
func (u Upstream) Where() string {
	if u.Port == 0 {
		return u.Host
	}
	return u.Host + ":" + strconv.Itoa(u.Port)
}

// Bouncer is the bouncer that serves a user, with their upstreams, for the template bouncer-status and as rows.
type Bouncer struct {
	Up        bool
	Dedicated bool // it is the user's dedicated bouncer, not the shared one
	Pending   bool // there is a dedicated one, and it is not ready
	Upstreams []Upstream
}

// BouncerOf shows what the user's bouncer said.
func BouncerOf(user account.User, b state.Bouncer) Bouncer {
	shown := Bouncer{Up: b.Up(), Dedicated: b.Dedicated(), Pending: b.Pending}
	for _, upstream := range b.Upstreams {
		shown.Upstreams = append(shown.Upstreams, Upstream{upstream, string(user.Handle) + "/" + upstream.Name})
	}
	return shown
}

// OverQuota says what a downgrade left above the limit of upstreams, for the template over-quota.
type OverQuota struct {
	Have, Allowed string
	Until         *time.Time
	Passed        bool
}

// OverQuotaOf is nil where nothing is above the limit, or the bouncer is away and nobody can tell.
func OverQuotaOf(user account.User, billing account.Billing, b state.Bouncer) *OverQuota {
	allowed := user.Entitlements().UpstreamNetworks
	if !b.Up() || allowed == account.Unlimited || len(b.Upstreams) <= allowed {
		return nil
	}
	return &OverQuota{
		Have: words.Networks(len(b.Upstreams)), Allowed: words.Networks(allowed), Until: billing.KeepUntil,
		Passed: billing.KeepUntil != nil && time.Now().After(*billing.KeepUntil),
	}
}
