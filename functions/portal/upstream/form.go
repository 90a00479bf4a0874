package upstream

import (
	"net/url"
	"strconv"
	"strings"

	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// form is what was typed about an upstream, or what is to be shown in its fields at first.
type form struct {
	Name, Host, Port           string
	TLS                        bool
	Nick, RealName, Channels   string
	SASLUsername               string
	SASLPassword, ServerSecret config.Secret // never shown again
	DropServerSecret           bool

	Pinned                 string
	NoAutoAway             bool
	Commands, Keys         string // a line each; not shown again once stored, for they may hold passwords
	DropCommands, DropKeys bool
}

// formOf reads a posted form. Spaces around a word are the browser's or the thumb's, and a server's address may come in one
// piece; all else is kept for Validate to refuse, line breaks included.
func formOf(values url.Values) form {
	text := func(name string) string { return strings.Trim(values.Get(name), " \t") }
	checked := func(name string) bool { return values.Get(name) != "" }
	f := form{
		Name: text("name"), Host: text("host"), Port: text("port"), TLS: checked("tls"),
		Nick: text("nick"), RealName: text("realname"), Channels: text("channels"), SASLUsername: text("sasl_username"),
		SASLPassword: config.Secret(values.Get("sasl_password")), ServerSecret: config.Secret(values.Get("server_password")),
		DropServerSecret: checked("drop_server_password"), Pinned: text("pinned"), NoAutoAway: checked("no_auto_away"),
		Commands: values.Get("commands"), Keys: values.Get("keys"), DropCommands: checked("drop_commands"), DropKeys: checked("drop_keys"),
	}
	server := bouncer.ReadServer(f.Host)
	f.Host = server.Host
	if server.Port != "" {
		f.Port = server.Port
	}
	if server.TLS != nil {
		f.TLS = *server.TLS
	}
	if fingerprint, err := bouncer.ParseFingerprint(f.Pinned); err == nil {
		f.Pinned = fingerprint
	}
	return f
}

// formFor fills the form with an upstream as it is.
func formFor(u bouncer.Upstream) form {
	f := form{
		Name: u.Name, Host: u.Host, Port: strconv.Itoa(u.Port), TLS: u.TLS, Nick: u.Nick, RealName: u.RealName,
		Channels: strings.Join(u.Channels, ", "), SASLUsername: u.SASLUsername, Pinned: u.Pinned, NoAutoAway: u.NoAutoAway,
	}
	if u.Port == 0 {
		f.Port = ""
	}
	return f
}

// linesOf are the lines of a field that hold something.
func linesOf(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.Trim(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// spec is what the form asks for. Stored secrets that were not typed again are kept, but only for the server they
// were given for: whoever gets hold of a session must not be able to have them sent to a server of his own.
func (f form) spec(before *bouncer.Upstream) bouncer.UpstreamSpec {
	port, err := strconv.Atoi(f.Port)
	if err != nil {
		port = -1 // Validate says what a port is
	}
	spec := bouncer.UpstreamSpec{
		Name: f.Name, Host: f.Host, Port: port, TLS: f.TLS, Nick: f.Nick, RealName: f.RealName,
		SASLUsername: f.SASLUsername, SASLPassword: f.SASLPassword, ServerPassword: f.ServerSecret,
		Channels: strings.FieldsFunc(f.Channels, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) }),
		More:     &bouncer.More{Pinned: f.Pinned, NoAutoAway: f.NoAutoAway, Commands: linesOf(f.Commands), Keys: linesOf(f.Keys)},
	}
	if before != nil && before.Address() == spec.Address() {
		spec.KeepSASLPassword = f.SASLPassword == "" && f.SASLUsername != "" && f.SASLUsername == before.SASLUsername
		spec.KeepServerPassword = f.ServerSecret == "" && !f.DropServerSecret && before.ServerPasswordSet
		spec.More.KeepCommands = len(spec.More.Commands) == 0 && !f.DropCommands && before.Commands > 0
		spec.More.KeepKeys = len(spec.More.Keys) == 0 && !f.DropKeys && len(before.Keyed) > 0
	}
	return spec
}

// check refuses what the bouncer would, servers that are not on the public internet, and what would be lost without a word:
// commands and keys that are stored for another server and were neither typed again nor given up. before is the upstream as
// it is, nil for a new one.
func (a *Area) check(f form, spec bouncer.UpstreamSpec, before *bouncer.Upstream) error {
	is := bouncer.Upstream{}
	if before != nil {
		is = *before
	}
	if err := spec.Validate(a.Ours...); err != nil {
		return moved(err, is, spec)
	}
	if err := spec.ValidateChange(is); err != nil {
		return err
	}
	if err := spec.CheckRegistered(a.Domain, a.Ours...); err != nil && spec.Address() != is.Address() {
		return err
	}
	return f.checkKept(spec, is)
}

// checkKept refuses to lose commands and keys.
func (f form) checkKept(spec bouncer.UpstreamSpec, is bouncer.Upstream) error {
	const again = "The server has changed, so please type them again, or tick that they are to be forgotten. We do not send them to a new server by ourselves."
	var c fault.Collector
	if is.Commands > 0 && !spec.More.KeepCommands && len(spec.More.Commands) == 0 && !f.DropCommands {
		c.Add("commands", again)
	}
	if len(is.Keyed) > 0 && !spec.More.KeepKeys && len(spec.More.Keys) == 0 && !f.DropKeys {
		c.Add("keys", again)
	}
	return c.Err()
}
