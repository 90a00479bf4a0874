package portal

import (
	"net/http"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/guide"
)

// access is what an IRC client needs to reach the user's bouncer, passwords excepted: a page never holds one.
type access struct{ guide.Connection }

// accessOf gives the way to the bouncer that state is about.
func (p *portal) accessOf(user account.User, state bouncerState, network string) access {
	if state.Own() {
		return access{guide.Connection{Host: state.Host, Port: ownPort, TLS: true, Handle: string(user.Handle), Network: network}}
	}
	return access{guide.Connection{
		Host: p.settings.IRCHost, Port: p.settings.IRCPort, TLS: p.settings.IRCTLS, Handle: string(user.Handle), Network: network,
	}}
}

// User is the user name that reaches the network straight away; the handle alone while there is no network.
func (a access) User() string {
	if a.Network == "" {
		return a.Handle
	}
	return a.Handle + "/" + a.Network
}

// Encryption says in words whether TLS is on.
func (a access) Encryption() string {
	if a.TLS {
		return "on, from the first byte (not STARTTLS)"
	}
	return "off"
}

// connectPage explains how to connect, with the user's own values.
type connectPage struct {
	Access      access
	Networks    []string // those that a user name can hold
	Up          bool
	Pending     bool
	HasPassword bool
	Guides      []guide.Guide
}

func (p *portal) showConnect(w http.ResponseWriter, r *http.Request, user account.User) error {
	passwords, err := p.accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return err
	}
	state := p.bouncers.State(r.Context(), user)
	reach := p.accessOf(user, state, networkNamed(state, r.URL.Query().Get("network")))
	return p.render(w, r, http.StatusOK, "connect", "How to connect", user, connectPage{
		Access: reach, Networks: reachable(state), Up: state.Up(), Pending: state.Pending, HasPassword: summaryOf(passwords).Live > 0,
		Guides: guide.For(reach.Connection),
	})
}

// reachable are the names of the networks that an IRC user name can hold. What was added by an IRC client may be
// called anything.
func reachable(state bouncerState) []string {
	var names []string
	for _, network := range state.Networks {
		if !strings.ContainsAny(network.Name, "/@ \t\"") {
			names = append(names, network.Name)
		}
	}
	return names
}

// networkNamed is the name of the user's network called wanted, else of the first one; "" where there is none.
func networkNamed(state bouncerState, wanted string) string {
	names := reachable(state)
	for _, name := range names {
		if name == wanted {
			return name
		}
	}
	if len(names) > 0 {
		return names[0]
	}
	return ""
}
