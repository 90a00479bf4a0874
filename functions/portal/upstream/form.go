package upstream

import (
	"net/url"
	"strconv"
	"strings"

	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/design"
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
}

// formOf reads a posted form. Spaces around a word are the browser's or the thumb's; all else is kept for Validate
// to refuse, line breaks included.
func formOf(values url.Values) form {
	text := func(name string) string { return strings.Trim(values.Get(name), " \t") }
	return form{
		Name: text("name"), Host: text("host"), Port: text("port"), TLS: values.Get("tls") != "",
		Nick: text("nick"), RealName: text("realname"), Channels: text("channels"), SASLUsername: text("sasl_username"),
		SASLPassword: config.Secret(values.Get("sasl_password")), ServerSecret: config.Secret(values.Get("server_password")),
		DropServerSecret: values.Get("drop_server_password") != "",
	}
}

// formFor fills the form with an upstream as it is.
func formFor(u bouncer.Upstream) form {
	f := form{
		Name: u.Name, Host: u.Host, Port: strconv.Itoa(u.Port), TLS: u.TLS, Nick: u.Nick, RealName: u.RealName,
		Channels: strings.Join(u.Channels, ", "), SASLUsername: u.SASLUsername,
	}
	if u.Port == 0 {
		f.Port = ""
	}
	return f
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
	}
	if before != nil && before.Address() == spec.Address() {
		spec.KeepSASLPassword = f.SASLPassword == "" && f.SASLUsername != "" && f.SASLUsername == before.SASLUsername
		spec.KeepServerPassword = f.ServerSecret == "" && !f.DropServerSecret && before.ServerPasswordSet
	}
	return spec
}

// formPage is the form as a page, for a new upstream and for one that is there.
type formPage struct {
	Heading, Action, Submit  string
	Known                    *bouncer.KnownUpstream // what the picker chose; nil for a custom server
	Server, Identity, Secret []design.Field
	ServerOpen, SecretOpen   bool
	Problem                  string
	Remove                   string // address of the confirmation page; "" for a new upstream
}

// page makes the form's fields. before is the upstream as it is, nil for a new one; known is the offered one at the form's
// address, nil where none is.
func (f form) page(before *bouncer.Upstream, known *bouncer.KnownUpstream, problem error) formPage {
	faults := fault.FieldsOf(problem)
	page := formPage{
		Known:    known,
		Server:   serverFields(f),
		Identity: identityFields(f),
		Secret:   secretFields(f, before),
	}
	if problem != nil {
		page.Problem = "Not everything fits yet. Look at the marked fields."
		if len(faults) == 0 {
			page.Problem = fault.Sentence(problem)
		}
	}
	blame(page.Identity, faults)
	page.ServerOpen = blame(page.Server, faults) || page.Known == nil
	// What was typed into it has to be typed again, so it must not be folded away.
	page.SecretOpen = blame(page.Secret, faults) || f.SASLUsername != "" || f.ServerSecret != ""
	return page
}

// blame writes the faults into the fields they are about and reports whether there were any.
func blame(fields []design.Field, faults map[string]string) bool {
	blamed := false
	for i := range fields {
		fields[i].Error = faults[fields[i].Name]
		blamed = blamed || fields[i].Error != ""
	}
	return blamed
}

func serverFields(f form) []design.Field {
	return []design.Field{
		{Name: "name", Label: "Name", Value: f.Name, Required: true, Mono: true, MaxLength: 64, Autocomplete: "off", Placeholder: "Libera.Chat",
			Hint: "Yours to choose. Your IRC client picks the network by it, so it has letters, digits, dots, dashes and underscores only."},
		{Name: "host", Label: "Server", Value: f.Host, Required: true, Mono: true, Autocomplete: "off", InputMode: "url", Placeholder: "irc.example.org"},
		{Name: "port", Label: "Port", Value: f.Port, Required: true, Mono: true, Autocomplete: "off", InputMode: "numeric",
			Hint: "Usually 6697 with TLS, 6667 without."},
		{Name: "tls", Label: "Encrypt the connection (TLS)", Type: "checkbox", Checked: f.TLS},
	}
}

func identityFields(f form) []design.Field {
	return []design.Field{
		{Name: "nick", Label: "Nickname", Value: f.Nick, Mono: true, Autocomplete: "off", MaxLength: 32,
			Hint: "How others see you on this network. Left empty, it is your handle."},
		{Name: "realname", Label: "Real name", Value: f.RealName, Optional: true, Autocomplete: "off", MaxLength: 150,
			Hint: "Anybody on the network can read it. Most people put their nickname or nothing."},
		{Name: "channels", Label: "Channels to join", Value: f.Channels, Optional: true, Mono: true, Autocomplete: "off", Placeholder: "#irc.now, #linux",
			Hint: "Separated by commas or spaces. Channels that you join from your IRC client are remembered as well."},
	}
}

func secretFields(f form, before *bouncer.Upstream) []design.Field {
	password := design.Field{Name: "sasl_password", Label: "Account password", Type: "password", Autocomplete: "off",
		Hint: "Stored for your bouncer only and never shown again."}
	server := design.Field{Name: "server_password", Label: "Server password", Type: "password", Optional: true, Autocomplete: "off",
		Hint: "Few networks ask for one. It is not your account's password."}
	fields := []design.Field{
		{Name: "sasl_username", Label: "Account name", Value: f.SASLUsername, Optional: true, Mono: true, Autocomplete: "off",
			Hint: "Your registered account on this network, for SASL sign-in. Leave it empty if you have none."},
		password, server,
	}
	if before == nil {
		return fields
	}
	if before.SASLUsername != "" {
		fields[1].Hint = "One is stored. Leave this empty to keep it."
	}
	if before.ServerPasswordSet {
		fields[2].Hint = "One is stored. Leave this empty to keep it."
		fields = append(fields, design.Field{Name: "drop_server_password", Label: "Forget the stored server password", Type: "checkbox", Checked: f.DropServerSecret})
	}
	return fields
}
