// Package guide owns the instructions that connect an IRC client to the bouncer: one place for the portal, which
// fills in a user's own values, and for the public pages, which show placeholders. It must not know how they are shown.
package guide

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Connection is what a client needs to know. An empty Handle, Network or Password becomes a placeholder that says what to
// put there. Network must be a network's name as the bouncer has it, without "/", "@" and white space.
type Connection struct {
	Host     string
	Port     int
	TLS      bool
	Handle   string
	Network  string
	Password string
	Channels []string // that the bouncer is in on the network, and so opens by itself
	Lobby    string   // a channel of the network's to begin with; may be empty
}

// Guide tells how to set up one client.
type Guide struct {
	ID       string // for links: "weechat"
	Name     string
	Platform string // where it runs, in a few words
	URL      string // its home page
	About    string // one or two sentences; says what it can do with a bouncer
	Username string // what to sign in as
	Steps    []string
	Label    string // what Text is: "type into irssi", a file's name
	Text     string // to be copied as it is; may be empty
	Note     string // what to mind; may be empty
	Then     string // how to get into a channel when it is connected
	Blank    bool   // a value is missing, so the guide is of no use as it is
}

// Placeholders for what a stranger has not got yet.
const (
	placeholderHandle   = "HANDLE"
	placeholderNetwork  = "NETWORK"
	placeholderPassword = "CONNECTION-PASSWORD"
	placeholderChannel  = "#channel"
)

// For gives the guides for c, command line clients first.
func For(c Connection) []Guide {
	known := c
	c.Handle = orElse(c.Handle, placeholderHandle)
	c.Network = orElse(c.Network, placeholderNetwork)
	c.Password = orElse(c.Password, placeholderPassword)
	guides := []Guide{irssi(c), weechat(c), senpai(c), halloy(c), hexchat(c), textual(c), goguma(c), palaver(c)}
	for i := range guides {
		guides[i].Blank = known.leavesBlank(guides[i].Text)
	}
	return guides
}

// leavesBlank reports whether c lacks a value that text, which was written for it, needs. The password every guide needs.
func (c Connection) leavesBlank(text string) bool {
	return c.Password == "" || c.Handle == "" || c.Network == "" && strings.Contains(text, placeholderNetwork)
}

// Find gives the guide with id; ok is false where there is none.
func Find(guides []Guide, id string) (guide Guide, ok bool) {
	for _, g := range guides {
		if g.ID == id {
			return g, true
		}
	}
	return Guide{}, false
}

// UsernameFor is what a client signs in as that has to be told the network: soju reads the part after the
// slash as the network, and the part after the at sign as the device whose backlog it is.
func (c Connection) UsernameFor(device string) string {
	return c.Handle + "/" + c.Network + "@" + device
}

// Join is the channel to begin with.
func (c Connection) Join() string { return orElse(c.Lobby, placeholderChannel) }

// then tells how to get into a channel, where how says what to do with its name.
func (c Connection) then(how string) string {
	switch n := len(c.Channels); {
	case n > mostNamed:
		return fmt.Sprintf("Your bouncer is in %d channels already, which open by themselves.", n)
	case n > 0:
		return "Your bouncer is in " + strings.Join(c.Channels, ", ") + " already: what is said there opens by itself."
	}
	return how
}

// mostNamed is how many channels a sentence can hold.
const mostNamed = 5

// typed is then for clients with one network in each connection and a line to type into.
func (c Connection) typed() string {
	return c.then("When it says that you are connected, type /join " + c.Join() + " and talk to who is there.")
}

// typedAt is then for clients that show all networks at once: the channel is joined on the one that is chosen.
func (c Connection) typedAt() string {
	return c.then("When your networks have appeared, choose " + c.Network + ", type /join " + c.Join() + " and talk to who is there.")
}

// tapped is then for clients with buttons.
func (c Connection) tapped() string {
	return c.then("When it is connected, press +, join the channel " + c.Join() + " and talk to who is there.")
}

// Address is host and port.
func (c Connection) Address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// URL is the address as clients write it that take URLs.
func (c Connection) URL() string {
	if c.TLS {
		return "ircs://" + c.Address()
	}
	return "irc+insecure://" + c.Address()
}

// Loopback reports whether the bouncer can only be reached from the machine it runs on.
func (c Connection) Loopback() bool {
	ip := net.ParseIP(c.Host)
	return c.Host == "localhost" || strings.HasSuffix(c.Host, ".localhost") || ip != nil && ip.IsLoopback()
}

func orElse(value, placeholder string) string {
	if value == "" {
		return placeholder
	}
	return value
}

// choose gives one of two texts, by whether the connection is encrypted.
func (c Connection) choose(tls, plain string) string {
	if c.TLS {
		return tls
	}
	return plain
}

// phoneNote warns that a phone cannot reach a bouncer on somebody's own machine.
func (c Connection) phoneNote() string {
	if !c.Loopback() {
		return ""
	}
	return "This bouncer listens on " + c.Host + " only, so a phone cannot reach it. Use a client on the same machine."
}
