package fragment

import (
	"slices"
	"strconv"
	"time"

	"irc.now/functions/portal/state"
	"irc.now/functions/portal/words"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/foreign"
)

// Upstream is an upstream as a row, for the templates upstream-rows and upstream-status.
type Upstream struct {
	bouncer.Upstream
	User string // what an IRC client gives as user name to reach this upstream
}

// Title is the upstream's name for people. Whoever adds one with an IRC client may call it anything.
func (u Upstream) Title() string { return foreign.Text(u.Name) }

// StatusKind is the design's name for the upstream's state.
func (u Upstream) StatusKind() string {
	switch u.State {
	case bouncer.Connected:
		if u.SignIn == bouncer.SignInRefused {
			return "bad"
		}
		return "ok"
	case bouncer.Connecting, bouncer.Busy, bouncer.Removing:
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
		if u.SignIn == bouncer.SignInRefused {
			return "Connected, but not signed in"
		}
		return "Connected"
	case bouncer.Connecting:
		return "Connecting"
	case bouncer.Busy:
		return "Busy"
	case bouncer.Removing:
		return "Being removed"
	case bouncer.Disabled:
		return "Switched off"
	default:
		return "Not connected, trying again"
	}
}

// Why explains the state; "" where there is nothing to explain.
func (u Upstream) Why() string {
	switch {
	case u.State == bouncer.Connected && u.SignIn == bouncer.SignInRefused && u.Certificate != nil:
		return "The network does not know your bouncer's certificate. Tell it the fingerprint, which “Edit” leads to, and connect again."
	case u.State == bouncer.Connected && u.SignIn == bouncer.SignInRefused:
		return "The network did not take your account: the name or the password is wrong, or it does not know this kind of sign-in (SASL). “Edit” lets you type both again."
	case u.State == bouncer.Busy:
		return "Your bouncer waits for one of your networks to take what was sent to it, and does nothing else for you meanwhile. That may take " +
			"some minutes. A network that does this to you can be disconnected or removed all the same: your bouncer does so as soon as it can."
	case u.State == bouncer.Removing:
		return "Your bouncer is busy and removes this network as soon as it can."
	case u.State == bouncer.Disconnected:
		return reasons[u.Reason]
	default:
		return ""
	}
}

// reasons say why an upstream is not connected, and what helps.
var reasons = map[bouncer.Reason]string{
	bouncer.NoSuchHost:     "There is no server of that name. Check how it is spelled.",
	bouncer.NoAnswer:       "The server does not answer. It may be down, or the port may be another one.",
	bouncer.Unreachable:    "There is no way to the server at the moment.",
	bouncer.PortClosed:     "The server takes no connections at this port. Check the port, or try again later.",
	bouncer.NotTLS:         "There is no encrypted IRC server at this port. Check the port: encryption usually has another one than plain text.",
	bouncer.BadCertificate: "The server's certificate is not one that your bouncer can trust: it has run out, is for another name, or nobody known has signed it. If it is meant to be so, pin its fingerprint under “Edit”.",
	bouncer.WrongPin:       "The server's certificate is not the one that you have pinned. If the network has a new one, pin that; if you do not know of one, somebody may be in between.",
	bouncer.HungUp:         "The server ended the connection without saying why.",
	bouncer.OtherReason:    "The connection failed in a way that your bouncer cannot explain.",
}

// Said is why it is not connected in the network's own words; "" where it gave none.
func (u Upstream) Said() string {
	if u.State != bouncer.Disconnected {
		return ""
	}
	return u.Error
}

// Channel is one of the upstream's channels.
type Channel struct {
	Name   string
	Absent bool // the bouncer shall be in it, and is not
}

// Rooms are the upstream's channels.
func (u Upstream) Rooms() []Channel {
	rooms := make([]Channel, len(u.Channels))
	for i, channel := range u.Channels {
		rooms[i] = Channel{channel, slices.Contains(u.Absent, channel)}
	}
	return rooms
}

// Going reports whether nothing can be done with it any more.
func (u Upstream) Going() bool { return u.State == bouncer.Removing }

// Path is the prefix of the upstream's pages.
func (u Upstream) Path() string { return "/networks/" + strconv.FormatInt(u.ID, 10) }

// Where is the server's address for people.
func (u Upstream) Where() string {
	if u.Port == 0 {
		return foreign.Text(u.Host)
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

// SwitchedOff reports whether some of the upstreams are, which a plan does not count.
func (b Bouncer) SwitchedOff() bool {
	return slices.ContainsFunc(b.Upstreams, func(u Upstream) bool { return !u.Enabled })
}

// OverQuota says what a downgrade left above the limit of upstreams, for the template over-quota.
type OverQuota struct {
	Have, Allowed string
	Until         *time.Time
	Passed        bool
}

// OverQuotaOf is nil where nothing is above the limit, or the bouncer is away and nobody can tell.
func OverQuotaOf(user account.User, billing account.Billing, b state.Bouncer) *OverQuota {
	allowed, have := user.Entitlements().UpstreamNetworks, bouncer.Counted(b.Upstreams)
	if !b.Up() || allowed == account.Unlimited || have <= allowed {
		return nil
	}
	return &OverQuota{
		Have: words.Networks(have), Allowed: words.Networks(allowed), Until: billing.KeepUntil,
		Passed: billing.KeepUntil != nil && time.Now().After(*billing.KeepUntil),
	}
}
