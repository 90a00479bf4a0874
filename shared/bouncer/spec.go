package bouncer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/foreign"
)

// Limits of what a network may hold. soju's columns take 255 characters; IRC lines take 512 bytes.
const (
	maxName       = 64
	maxNick       = 32
	maxRealName   = 150
	maxCredential = 200
	maxChannel    = 100
	maxJoined     = 500 // those that were joined from an IRC client included
	// MaxChannels is how many channels of a network the form takes. A bouncer asks for the modes of each one that it
	// joins, a line every two seconds after the first, and does nothing else for its user once 74 of them wait.
	MaxChannels = 60
)

// UpstreamSpec is what a user wants of an upstream network. It is hostile until Validate passes.
type UpstreamSpec struct {
	Name     string // letters, digits, dot, dash, underscore; goes into IRC user names as handle/name
	Host     string // DNS name or IP literal without brackets
	Port     int
	TLS      bool
	Nick     string // "" asks for the user's handle
	RealName string // "" uses the nickname

	SASLUsername string // "" switches SASL off
	SASLPassword config.Secret
	// KeepSASLPassword leaves the stored password as it is; for UpdateUpstream, where it is never shown.
	KeepSASLPassword bool

	ServerPassword     config.Secret // "" for none
	KeepServerPassword bool          // as KeepSASLPassword

	Channels []string // joined on connect

	// More is what few people set. Nil leaves it as it is, and gives a new network soju's own defaults.
	More *More
}

// Address is where the network shall be.
func (s UpstreamSpec) Address() Address {
	return Address{Host: strings.ToLower(s.Host), Port: s.Port, TLS: s.TLS}
}

// Validate blames every field that soju or an IRC server would misread, under the form's field names: name,
// host, port, nick, realname, sasl_username, sasl_password, server_password, channels, pinned, commands, keys. Servers
// inside private address space are refused unless they are among own, the networks of the platform's operator.
func (s UpstreamSpec) Validate(own ...KnownUpstream) error {
	var c fault.Collector
	c.Check("name", checkName(s.Name))
	c.Check("port", checkPort(s.Port))
	c.Check("host", s.checkServer(own))
	c.Check("nick", checkNick(s.Nick))
	c.Check("realname", checkShown("real name", s.RealName, maxRealName))
	c.Check("sasl_username", checkShown("account name", s.SASLUsername, maxCredential))
	c.Check("sasl_password", s.checkSASL())
	c.Check("server_password", checkText("server password", s.ServerPassword.Reveal(), maxCredential))
	c.Check("channels", checkChannels(s.Channels))
	if s.More != nil {
		s.More.check(&c, s)
	}
	return c.Err()
}

// ValidateChange blames what is refused beside that, unless it is there already: before is the upstream as it is, the
// zero value for a new one.
func (s UpstreamSpec) ValidateChange(before Upstream) error {
	var c fault.Collector
	if s.Name != before.Name && strings.Contains(s.Name, ".") {
		c.Add("name", "Leave out the dots. Your bouncer takes a name with a dot for the address of a server, also after you have removed the network.")
	}
	if n := len(s.Channels); n > MaxChannels && n > len(before.Channels) {
		c.Add("channels", "List at most %d channels. Your bouncer asks the network about each one it joins, slowly enough not to be thrown out, "+
			"and would answer nobody for minutes after each connect. You can join more from your IRC client, a few at a time.", MaxChannels)
	}
	return c.Err()
}

func (s UpstreamSpec) checkServer(own []KnownUpstream) error {
	if err := checkHost(s.Host); err != nil {
		return err
	}
	if isOwn(s, own) {
		return nil
	}
	return checkPublic(s.Host)
}

// The name is typed into IRC clients as handle/name@client, so it keeps clear of soju's separators.
var namePattern = expression(`^[A-Za-z0-9._][A-Za-z0-9._-]*$`)

func checkName(name string) error {
	if name == "" || len(name) > maxName || !namePattern().MatchString(name) {
		return fault.New(fault.Invalid,
			"Give the network a name of at most %d letters, digits, dots, dashes or underscores, not starting with a dash.", maxName)
	}
	return nil
}

// RFC 2812 §2.3.1. Some networks allow more, none requires it.
var nickPattern = expression("^[A-Za-z\\[\\]\\\\`_^{|}][A-Za-z0-9\\[\\]\\\\`_^{|}-]*$")

func checkNick(nick string) error {
	if nick != "" && (len(nick) > maxNick || !nickPattern().MatchString(nick)) {
		return fault.New(fault.Invalid,
			"A nickname has at most %d letters, digits and any of _ - [ ] { } \\ | ^ `, and does not start with a digit or dash.", maxNick)
	}
	return nil
}

func (s UpstreamSpec) checkSASL() error {
	if s.SASLUsername == "" && s.SASLPassword != "" {
		return fault.New(fault.Invalid, "Enter the account name that this password belongs to, or leave both empty.")
	}
	if s.SASLUsername != "" && s.SASLPassword == "" && !s.KeepSASLPassword {
		return fault.New(fault.Invalid, "Enter the account's password, or leave both empty.")
	}
	return checkText("password", s.SASLPassword.Reveal(), maxCredential)
}

// checkText lets through what fits into an IRC parameter: valid UTF-8 without control characters (CR, LF
// and NUL end or break IRC messages and SASL PLAIN; the rest has no business there).
func checkText(what, text string, limit int) error {
	switch {
	case len(text) > limit:
		return fault.New(fault.Invalid, "The %s is too long: it may have at most %d bytes.", what, limit)
	case !utf8.ValidString(text):
		return fault.New(fault.Invalid, "The %s is not valid text.", what)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fault.New(fault.Invalid, "The %s must not contain line breaks or control characters.", what)
	}
	return nil
}

// checkShown is checkText for what others are shown.
func checkShown(what, text string, limit int) error {
	if strings.ContainsFunc(text, foreign.TurnsText) {
		return fault.New(fault.Invalid, "The %s must not contain invisible characters that turn the direction of text.", what)
	}
	return checkText(what, text, limit)
}

func checkChannels(channels []string) error {
	if len(channels) > maxJoined {
		return fault.New(fault.Invalid, "List at most %d channels here.", maxJoined)
	}
	seen := map[string]bool{}
	for _, channel := range channels {
		if err := checkChannel(channel); err != nil {
			return err
		}
		folded := strings.ToLower(channel)
		if seen[folded] {
			return fault.New(fault.Invalid, "The channel %s is listed twice.", channel)
		}
		seen[folded] = true
	}
	return nil
}

func checkChannel(channel string) error {
	if err := checkShown("channel", channel, maxChannel); err != nil {
		return err
	}
	if len(channel) < 2 || !strings.ContainsRune("#&+!", rune(channel[0])) {
		return fault.New(fault.Invalid, "%q is not a channel: channel names start with #.", channel)
	}
	if strings.ContainsAny(channel, ", :") {
		return fault.New(fault.Invalid, "The channel %q must not contain spaces, commas or colons.", channel)
	}
	return nil
}
