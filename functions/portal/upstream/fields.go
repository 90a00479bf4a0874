package upstream

import (
	"fmt"
	"strings"

	"irc.now/shared/bouncer"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/foreign"
)

// formPage is the form as a page, for a new upstream and for one that is there.
type formPage struct {
	Heading, Action, Submit          string
	Known                            *bouncer.KnownUpstream // what the picker chose; nil for a custom server
	Server, Identity, Secret, More   []design.Field
	ServerOpen, SecretOpen, MoreOpen bool
	Problem                          string
	Remove, Certificate              string // addresses of further pages; "" for a new upstream
	Certified                        bool   // it signs in with a certificate
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
		More:     moreFields(f, before),
	}
	if before != nil && before.Certificate != nil {
		page.Certified, page.Secret = true, page.Secret[2:] // an account's name and password are not used then
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
	page.MoreOpen = blame(page.More, faults) || f.Commands != "" || f.Keys != ""
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
		{Name: "name", Label: "Name", Value: f.Name, Required: true, Mono: true, MaxLength: 64, Autocomplete: "off", Placeholder: "libera",
			Hint: "Yours to choose, of letters, digits, dashes and underscores. Your IRC client picks the network by it, and capitals count there."},
		{Name: "host", Label: "Server", Value: f.Host, Required: true, Mono: true, Autocomplete: "off", InputMode: "url", Placeholder: "irc.libera.chat"},
		{Name: "port", Label: "Port", Value: f.Port, Required: true, Mono: true, Autocomplete: "off", InputMode: "numeric",
			Hint: "Usually 6697 with TLS, 6667 without."},
		{Name: "tls", Label: "Encrypt the connection (TLS)", Type: "checkbox", Checked: f.TLS},
	}
}

func identityFields(f form) []design.Field {
	return []design.Field{
		{Name: "nick", Label: "Nickname", Value: f.Nick, Mono: true, Autocomplete: "off", MaxLength: 32,
			Hint: "How others see you on this network. Left empty, it is your handle. While somebody else has it, your bouncer adds _ to it, and takes it back once it is free."},
		{Name: "realname", Label: "Real name", Value: f.RealName, Optional: true, Autocomplete: "off", MaxLength: 150,
			Hint: "Anybody on the network can read it. Most people put their nickname or nothing."},
		{Name: "channels", Label: "Channels to join", Value: f.Channels, Optional: true, Mono: true, Autocomplete: "off", Placeholder: "#irc.now, #linux",
			Hint: fmt.Sprintf("At most %d, separated by commas or spaces. Channels that you join from your IRC client are remembered as well.", bouncer.MaxChannels)},
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

func moreFields(f form, before *bouncer.Upstream) []design.Field {
	keys := design.Field{Name: "keys", Label: "Channel keys", Type: "textarea", Value: f.Keys, Optional: true, Mono: true, Autocomplete: "off",
		Placeholder: "#channel key", Hint: "For channels that need one to be joined: the channel, a space and its key, a line each. List the channels above as well."}
	commands := design.Field{Name: "commands", Label: "Commands after connecting", Type: "textarea", Value: f.Commands, Optional: true, Mono: true, Autocomplete: "off",
		Placeholder: "MODE ada +x", Hint: "Lines that the network gets each time, before channels are joined. They are not shown again, since they may hold passwords."}
	pinned := design.Field{Name: "pinned", Label: "Fingerprint of the server's certificate", Value: f.Pinned, Optional: true, Mono: true, Autocomplete: "off",
		Hint: "SHA-256 or SHA-512, for a network that signs its own certificate. This one is trusted then, and no other."}
	away := design.Field{Name: "no_auto_away", Label: "Do not mark me as away while none of my IRC clients is connected", Type: "checkbox", Checked: f.NoAutoAway}
	fields := []design.Field{keys}
	if before != nil && len(before.Keyed) > 0 {
		fields[0].Hint = "Keys are stored for " + foreign.Text(strings.Join(before.Keyed, ", ")) + ". Leave this empty to keep them; what you type replaces all of them."
		fields = append(fields, design.Field{Name: "drop_keys", Label: "Forget the stored keys", Type: "checkbox", Checked: f.DropKeys})
	}
	fields = append(fields, commands)
	if before != nil && before.Commands > 0 {
		fields[len(fields)-1].Hint = fmt.Sprintf("%d stored. Leave this empty to keep it so; what you type replaces all of it.", before.Commands)
		fields = append(fields, design.Field{Name: "drop_commands", Label: "Forget the stored commands", Type: "checkbox", Checked: f.DropCommands})
	}
	return append(fields, pinned, away)
}
