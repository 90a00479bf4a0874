package fragment

import (
	"slices"
	"strings"

	"irc.now/functions/portal/dedicated"
	"irc.now/functions/portal/state"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/foreign"
	"irc.now/shared/guide"
)

// Access is what an IRC client needs to reach the user's bouncer, for the template access-facts; passwords excepted: a
// page never holds one.
type Access struct{ guide.Connection }

// User is the user name that reaches the upstream straight away; the handle alone while there is no upstream.
func (a Access) User() string {
	if a.Network == "" {
		return a.Handle
	}
	return a.Handle + "/" + a.Network
}

// Encryption says in words whether TLS is on.
func (a Access) Encryption() string {
	if a.TLS {
		return "on, from the first byte (not STARTTLS)"
	}
	return "off"
}

// SharedBouncer is where IRC clients reach the shared bouncer.
type SharedBouncer struct {
	Host string
	Port int
	TLS  bool
}

// Access gives the way to the bouncer that serves the user, and on it to the upstream called wanted, else to the first.
func (s SharedBouncer) Access(user account.User, b state.Bouncer, wanted string) Access {
	to := guide.Connection{Host: s.Host, Port: s.Port, TLS: s.TLS}
	if b.Dedicated() {
		to = guide.Connection{Host: b.Host, Port: dedicated.Port, TLS: true}
	}
	to.Handle = string(user.Handle)
	if upstream, ok := upstreamNamed(b, wanted); ok {
		to.Network, to.Channels, to.Lobby = upstream.Name, upstream.Channels, bouncer.Lobby(upstream.Host)
	}
	return Access{to}
}

// Reachable are the names of the upstreams that an IRC user name can hold. What was added by an IRC client may be called
// anything.
func Reachable(b state.Bouncer) []string {
	var names []string
	for _, upstream := range reachable(b) {
		names = append(names, upstream.Name)
	}
	return names
}

func reachable(b state.Bouncer) []bouncer.Upstream {
	return slices.DeleteFunc(slices.Clone(b.Upstreams), func(u bouncer.Upstream) bool {
		return strings.ContainsAny(u.Name, "/@ \t\"") || foreign.Text(u.Name) != u.Name
	})
}

// upstreamNamed is the user's upstream called wanted, else the first one; ok is false where there is none.
func upstreamNamed(b state.Bouncer, wanted string) (upstream bouncer.Upstream, ok bool) {
	all := reachable(b)
	if i := slices.IndexFunc(all, func(u bouncer.Upstream) bool { return u.Name == wanted }); i >= 0 {
		return all[i], true
	}
	if len(all) > 0 {
		return all[0], true
	}
	return bouncer.Upstream{}, false
}
