package bouncer

import (
	"encoding/hex"
	"slices"
	"strings"

	"irc.now/shared/fault"
)

// Limits of what soju keeps of commands: so many, and a column of 1023 characters for all of them.
const (
	maxCommands     = 20
	maxCommand      = 400
	maxCommandsText = 1000
)

// More is what few people set of an upstream.
type More struct {
	// Pinned is the SHA-256 or SHA-512 fingerprint of the server's certificate, in lower hexadecimal, which is then trusted
	// whoever signed it, and no other; "" trusts those that authorities signed. See ParseFingerprint.
	Pinned     string `json:"pinned,omitempty"`
	NoAutoAway bool   `json:"no_auto_away,omitempty"` // not marked as away while no IRC client is connected

	// Commands are sent to the network after each connect, before channels are joined.
	Commands     []string `json:"commands,omitempty"`
	KeepCommands bool     `json:"keep_commands,omitempty"` // leaves those that are stored
	// Keys are channels that need a key to be joined, with it: "#channel key". soju keeps them as commands.
	Keys     []string `json:"keys,omitempty"`
	KeepKeys bool     `json:"keep_keys,omitempty"` // leaves those that are stored
}

// more is what was set, or nothing.
func (s UpstreamSpec) more() More {
	if s.More == nil {
		return More{KeepCommands: true, KeepKeys: true}
	}
	return *s.More
}

func (m More) check(c *fault.Collector, s UpstreamSpec) {
	c.Check("pinned", m.checkPinned(s.TLS))
	for _, command := range m.Commands {
		c.Check("commands", checkCommand(command))
	}
	for _, key := range m.Keys {
		c.Check("keys", checkKey(key, s.Channels))
	}
	if all := CommandsOf(m.Commands, m.Keys); len(all) > maxCommands || len(strings.Join(all, "\r\n")) > maxCommandsText {
		c.Add("commands", "That is more than a bouncer keeps: at most %d commands and keys, with %d characters altogether.", maxCommands, maxCommandsText)
	}
}

func (m More) checkPinned(encrypted bool) error {
	switch fingerprint, err := ParseFingerprint(m.Pinned); {
	case err != nil:
		return err
	case fingerprint != m.Pinned:
		return fault.New(fault.Invalid, "Write the fingerprint in lower-case hexadecimal digits.")
	case m.Pinned != "" && !encrypted:
		return fault.New(fault.Invalid, "Only an encrypted connection has a certificate. Switch encryption on, or leave this empty.")
	}
	return nil
}

// ParseFingerprint reads the fingerprint of a certificate as programs print it, with colons or spaces and in capitals.
func ParseFingerprint(typed string) (string, error) {
	digits := strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(typed))
	if raw, err := hex.DecodeString(digits); err != nil || !slices.Contains([]int{0, 32, 64}, len(raw)) {
		return "", fault.New(fault.Invalid, "A fingerprint is the SHA-256 or SHA-512 of the server's certificate: 64 or 128 hexadecimal digits.")
	}
	return digits, nil
}

func checkCommand(command string) error {
	if err := checkText("command", command, maxCommand); err != nil {
		return err
	}
	verb, _, _ := strings.Cut(command, " ")
	switch {
	case strings.HasPrefix(command, "/"):
		return fault.New(fault.Invalid, "Write %q as the network gets it: without the slash, such as “PRIVMSG NickServ :HELP” for /msg.", command)
	case verb == "" || strings.Trim(strings.ToUpper(verb), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "":
		return fault.New(fault.Invalid, "%q is no IRC command: one begins with a word such as MODE, JOIN or PRIVMSG.", command)
	}
	return nil
}

func checkKey(key string, channels []string) error {
	name, word, _ := strings.Cut(key, " ")
	if err := checkText("key", key, maxCommand); err != nil {
		return err
	}
	if checkChannel(name) != nil || word == "" || strings.ContainsAny(word, " ,") || word[0] == ':' {
		return fault.New(fault.Invalid, "Write each key behind its channel, on a line of its own: #channel key.")
	}
	if !slices.ContainsFunc(channels, func(c string) bool { return strings.EqualFold(c, name) }) {
		return fault.New(fault.Invalid, "List %s among the channels to join as well.", name)
	}
	return nil
}

// join is how a channel's key is kept, since soju's own commands take none: as the command that joins it.
const join = "JOIN "

// CommandsOf are the commands that soju is to keep for commands and keys.
func CommandsOf(commands, keys []string) []string {
	all := make([]string, 0, len(commands)+len(keys))
	all = append(all, commands...)
	for _, key := range keys {
		all = append(all, join+key)
	}
	return all
}

// SplitCommands takes what soju keeps apart again.
func SplitCommands(all []string) (commands, keys []string) {
	for _, command := range all {
		key, found := strings.CutPrefix(command, join)
		if name, word, _ := strings.Cut(key, " "); found && checkKey(key, []string{name}) == nil && word != "" {
			keys = append(keys, key)
		} else {
			commands = append(commands, command)
		}
	}
	return commands, keys
}
