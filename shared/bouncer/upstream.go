// Package bouncer is what the rest of the platform knows about soju: a user's upstream networks, the
// client of the admin service that changes them, and soju's configuration file.
//
// It never talks to soju or its database itself; longrunning/bounceradmin does. What a user typed is
// hostile until UpstreamSpec.Validate has passed, and bounceradmin validates once more.
package bouncer

// State says how an upstream network is doing.
type State string

// The states of a network. Connecting means enabled, not connected, and no failure reported yet. Busy means that soju does
// not answer about this user, who waits for one of their networks to take what was sent; Removing, that the network is
// forgotten as soon as soju comes to it.
const (
	Connected    State = "connected"
	Connecting   State = "connecting"
	Disconnected State = "disconnected"
	Disabled     State = "disabled"
	Busy         State = "busy"
	Removing     State = "removing"
)

// SignIn says what became of the account that a network was given.
type SignIn string

// What became of it, once the network is connected.
const (
	SignedIn      SignIn = "signed-in"
	SignInRefused SignIn = "refused"
)

// Reason says why soju is not connected.
type Reason string

// The reasons. SaidWhy means that the network told why in its own words, and OtherReason anything that we do not know.
const (
	SaidWhy        Reason = "said-why"
	NoSuchHost     Reason = "no-such-host"
	NoAnswer       Reason = "no-answer"
	Unreachable    Reason = "unreachable"
	PortClosed     Reason = "port-closed"
	NotTLS         Reason = "not-tls"
	BadCertificate Reason = "bad-certificate"
	WrongPin       Reason = "wrong-pin"
	HungUp         Reason = "hung-up"
	OtherReason    Reason = "other"
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
	Channels          []string `json:"channels"`         // joined on connect, in alphabetical order
	Absent            []string `json:"absent,omitempty"` // those of them that a connected soju is not in
	Enabled           bool     `json:"enabled"`
	State             State    `json:"state"`
	SignIn            SignIn   `json:"sign_in,omitempty"` // "" without an account, or while nobody can tell
	Reason            Reason   `json:"reason,omitempty"`  // why soju is not connected
	// Error is the reason in the network's own words, where it gave any: hostile text.
	Error string `json:"error,omitempty"`

	Certificate *Certificate `json:"certificate,omitempty"` // soju signs in with it; nil where it does not
	Pinned      string       `json:"pinned,omitempty"`      // see More
	NoAutoAway  bool         `json:"no_auto_away,omitempty"`
	Commands    int          `json:"commands,omitempty"` // how many of More.Commands are stored; they may hold passwords
	Keyed       []string     `json:"keyed,omitempty"`    // channels of which a key is stored
}

// Certificate is the client certificate with which soju signs in to a network, as others refer to it: in hexadecimal.
type Certificate struct {
	SHA1   string `json:"sha1"`
	SHA256 string `json:"sha256"`
	SHA512 string `json:"sha512"`
}

// Counted is how many of the upstreams a plan counts: those that are switched on and stay.
func Counted(upstreams []Upstream) int {
	counted := 0
	for _, upstream := range upstreams {
		if upstream.Enabled && upstream.State != Removing {
			counted++
		}
	}
	return counted
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
