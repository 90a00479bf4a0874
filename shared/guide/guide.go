// Package guide owns the instructions that connect an IRC client to the bouncer: one place for the portal, which
// fills in a user's own values, and for the public pages, which show placeholders. It must not know how they are shown.
package guide

import (
	"net"
	"strconv"
	"strings"
)

// Connection is what a client needs to know. Empty fields become placeholders that say what to put there.
// Network must be a network's name as the bouncer has it, without "/", "@" and white space.
type Connection struct {
	Host     string
	Port     int
	TLS      bool
	Handle   string
	Network  string
	Password string
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
}

// Placeholders for what a stranger has not got yet.
const (
	placeholderHandle   = "HANDLE"
	placeholderNetwork  = "NETWORK"
	placeholderPassword = "CONNECTION-PASSWORD"
)

// For gives the guides for c, command line clients first.
func For(c Connection) []Guide {
	c.Handle = orElse(c.Handle, placeholderHandle)
	c.Network = orElse(c.Network, placeholderNetwork)
	c.Password = orElse(c.Password, placeholderPassword)
	return []Guide{irssi(c), weechat(c), senpai(c), halloy(c), hexchat(c), textual(c), goguma(c), palaver(c)}
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
