// Package bouncer is what the rest of the platform knows about soju: a user's upstream networks, the
// client of the admin service that changes them, and soju's configuration file.
//
// It never talks to soju or its database itself; longrunning/bounceradmin does. What a user typed is
// hostile until UpstreamSpec.Validate has passed, and bounceradmin validates once more.
package bouncer

// State says how an upstream network is doing.
type State string

// The states of a network. Connecting means enabled, not connected, and no failure reported yet.
const (
	Connected    State = "connected"
	Connecting   State = "connecting"
	Disconnected State = "disconnected"
	Disabled     State = "disabled"
)

// Upstream is one of a user's upstream networks as soju keeps it. Passwords are never part of it.
type Upstream struct {
	ID   int64  `json:"id"`
	Name string `json:"name"` // unique per user; how commands and client user names refer to it
	// Host is a DNS name or an IP literal without brackets. Networks made through BouncerServ may have an
	// address we do not understand: then Host is that address whole and Port is 0.
	Host              string   `json:"host"`
	Port              int      `json:"port"`
	TLS               bool     `json:"tls"`
	Nick              string   `json:"nick"`     // the nickname soju asks for, defaults applied
	Username          string   `json:"username"` // "" where soju uses the nickname
	RealName          string   `json:"real_name"`
	SASLUsername      string   `json:"sasl_username"` // "" without SASL PLAIN
	ServerPasswordSet bool     `json:"server_password_set"`
	Channels          []string `json:"channels"` // joined on connect, in alphabetical order
	Enabled           bool     `json:"enabled"`
	State             State    `json:"state"`
	// Error is why soju is not connected, in soju's or the network's own words: hostile text.
	Error string `json:"error,omitempty"`
}

// Address is where the network is; the zero value where soju's address is not one of ours.
func (n Upstream) Address() Address {
	if n.Port == 0 {
		return Address{}
	}
	return Address{Host: n.Host, Port: n.Port, TLS: n.TLS}
}

// Status is the bouncer as a whole.
type Status struct {
	Users       int `json:"users"`
	Downstreams int `json:"downstreams"` // connected IRC clients
	Upstreams   int `json:"upstreams"`   // connected networks
}
