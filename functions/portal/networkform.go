package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// networkForm is what was typed about a network, or what is to be shown in its fields at first.
type networkForm struct {
	Name, Host, Port           string
	TLS                        bool
	Nick, RealName, Channels   string
	SASLUsername               string
	SASLPassword, ServerSecret config.Secret // never shown again
	DropServerSecret           bool
}

// formOf reads a posted form. Spaces around a word are the browser's or the thumb's; all else is kept for Validate
// to refuse, line breaks included.
func formOf(values url.Values) networkForm {
	text := func(name string) string { return strings.Trim(values.Get(name), " \t") }
	return networkForm{
		Name: text("name"), Host: text("host"), Port: text("port"), TLS: values.Get("tls") != "",
		Nick: text("nick"), RealName: text("realname"), Channels: text("channels"), SASLUsername: text("sasl_username"),
		SASLPassword: config.Secret(values.Get("sasl_password")), ServerSecret: config.Secret(values.Get("server_password")),
		DropServerSecret: values.Get("drop_server_password") != "",
	}
}

func formFor(n bouncer.Upstream) networkForm {
	form := networkForm{
		Name: n.Name, Host: n.Host, Port: strconv.Itoa(n.Port), TLS: n.TLS, Nick: n.Nick, RealName: n.RealName,
		Channels: strings.Join(n.Channels, ", "), SASLUsername: n.SASLUsername,
	}
	if n.Port == 0 {
		form.Port = ""
	}
	return form
}

// spec is what the form asks for. Stored secrets that were not typed again are kept, but only for the server they
// were given for: whoever gets hold of a session must not be able to have them sent to a server of his own.
func (f networkForm) spec(before *bouncer.Upstream) bouncer.UpstreamSpec {
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

// networkPage is the form as a page, for a new network and for one that is there.
type networkPage struct {
	Heading, Action, Submit  string
	Known                    *bouncer.KnownUpstream // what the picker chose; nil for a custom server
	Server, Identity, Secret []design.Field
	ServerOpen, SecretOpen   bool
	Problem                  string
	Remove                   string // address of the confirmation page; "" for a new network
}

// newNetwork is the picker, and with a query "from" the form for what was picked.
func (p *portal) newNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	state := p.bouncers.Fresh(r.Context(), user)
	if !state.Up() {
		return state.Err
	}
	if !mayAdd(user, state) {
		return p.renderOverQuota(w, r, user, nil)
	}
	from := r.URL.Query().Get("from")
	known := p.known(from)
	switch {
	case known != nil:
		form := networkForm{Name: known.Slug(), Host: known.Host, Port: strconv.Itoa(known.Port), TLS: known.TLS, Nick: string(user.Handle)}
		return p.renderNew(w, r, user, http.StatusOK, form, nil)
	case from == "custom":
		return p.renderNew(w, r, user, http.StatusOK, networkForm{Port: "6697", TLS: true, Nick: string(user.Handle)}, nil)
	default:
		return p.render(w, r, http.StatusOK, "network-pick", "Add a network", user, p.picker())
	}
}

// pickerPage lists what can be added, ours first.
type pickerPage struct{ Own, WellKnown []bouncer.KnownUpstream }

func (p *portal) picker() pickerPage { return pickerPage{p.settings.extra, bouncer.WellKnown} }

// known finds an offered network by its name; nil where there is none.
func (p *portal) known(name string) *bouncer.KnownUpstream {
	for _, known := range p.settings.offered() {
		if known.Name == name {
			return &known
		}
	}
	return nil
}

// knownAt finds an offered network by its address; nil where there is none.
func (p *portal) knownAt(address bouncer.Address) *bouncer.KnownUpstream {
	for _, known := range p.settings.offered() {
		if known.Address() == address {
			return &known
		}
	}
	return nil
}

func (p *portal) createNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := web.Form(w, r, formLimit); err != nil {
		return err
	}
	form := formOf(r.PostForm)
	spec := form.spec(nil)
	if err := spec.Validate(p.settings.extra...); err != nil {
		return p.renderNew(w, r, user, web.Status(err), form, err)
	}
	state := p.bouncers.Fresh(r.Context(), user)
	if !state.Up() {
		return p.renderNew(w, r, user, web.Status(state.Err), form, state.Err)
	}
	if !mayAdd(user, state) {
		return p.renderOverQuota(w, r, user, nil)
	}
	defer p.bouncers.Forget(user)
	err := state.admin.CreateUpstream(r.Context(), string(user.Handle), spec)
	switch {
	case err == nil:
		return p.done(w, r, "/networks", "%s is added. Your bouncer connects to it now.", spec.Name)
	case fault.Is(err, fault.OverQuota):
		return p.renderOverQuota(w, r, user, err)
	case showable(err):
		return p.renderNew(w, r, user, web.Status(err), form, err)
	default:
		return err
	}
}

func (p *portal) editNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	network, err := p.network(r, user)
	if err != nil {
		return err
	}
	return p.renderEdit(w, r, user, http.StatusOK, network, formFor(network.Upstream), nil)
}

func (p *portal) updateNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := web.Form(w, r, formLimit); err != nil {
		return err
	}
	network, err := p.network(r, user)
	if err != nil {
		return err
	}
	form := formOf(r.PostForm)
	spec := form.spec(&network.Upstream)
	if err := spec.Validate(p.settings.extra...); err != nil {
		return p.renderEdit(w, r, user, web.Status(err), network, form, moved(err, network.Upstream, spec))
	}
	defer p.bouncers.Forget(user)
	err = network.at.UpdateUpstream(r.Context(), string(user.Handle), network.Name, spec)
	switch {
	case err == nil:
		return p.done(w, r, "/networks", "%s is saved.", spec.Name)
	case fault.Is(err, fault.OverQuota):
		return p.renderOverQuota(w, r, user, err)
	case showable(err):
		return p.renderEdit(w, r, user, web.Status(err), network, form, err)
	default:
		return err
	}
}

// moved explains a missing password by the change of server that made it missing.
func moved(err error, before bouncer.Upstream, spec bouncer.UpstreamSpec) error {
	found, ok := errors.AsType[*fault.Error](err)
	if !ok || spec.Address() == before.Address() || before.SASLUsername == "" || spec.SASLPassword != "" || found.Fields["sasl_password"] == "" {
		return err
	}
	found.Fields["sasl_password"] = "The server has changed, so please type the account's password again. We do not send it to a new server by ourselves."
	return err
}

// showable reports whether the form can say what is wrong, so that nothing typed is lost.
func showable(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Unavailable:
		return true
	default:
		return false
	}
}

func (p *portal) renderNew(w http.ResponseWriter, r *http.Request, user account.User, status int, form networkForm, problem error) error {
	page := p.pageOf(form, nil, problem)
	page.Heading, page.Action, page.Submit = "Add a network", "/networks", "Add and connect"
	if page.Known != nil {
		page.Heading = "Add " + page.Known.Name
	}
	return p.render(w, r, status, "network-form", page.Heading, user, page)
}

func (p *portal) renderEdit(w http.ResponseWriter, r *http.Request, user account.User, status int, network networkView, form networkForm, problem error) error {
	page := p.pageOf(form, &network.Upstream, problem)
	page.Heading, page.Action, page.Submit = "Edit "+network.Name, network.Path(), "Save"
	page.Remove = network.Path() + "/remove"
	return p.render(w, r, status, "network-form", page.Heading, user, page)
}

// pageOf makes the form's fields. before is the network as it is, nil for a new one.
func (p *portal) pageOf(form networkForm, before *bouncer.Upstream, problem error) networkPage {
	faults := fault.FieldsOf(problem)
	page := networkPage{
		Known:    p.knownAt(form.spec(nil).Address()),
		Server:   serverFields(form),
		Identity: identityFields(form),
		Secret:   secretFields(form, before),
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
	page.SecretOpen = blame(page.Secret, faults) || form.SASLUsername != "" || form.ServerSecret != ""
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

func serverFields(f networkForm) []design.Field {
	return []design.Field{
		{Name: "name", Label: "Name", Value: f.Name, Required: true, Mono: true, MaxLength: 64, Autocomplete: "off", Placeholder: "Libera.Chat",
			Hint: "Yours to choose. Your IRC client picks the network by it, so it has letters, digits, dots, dashes and underscores only."},
		{Name: "host", Label: "Server", Value: f.Host, Required: true, Mono: true, Autocomplete: "off", InputMode: "url", Placeholder: "irc.example.org"},
		{Name: "port", Label: "Port", Value: f.Port, Required: true, Mono: true, Autocomplete: "off", InputMode: "numeric",
			Hint: "Usually 6697 with TLS, 6667 without."},
		{Name: "tls", Label: "Encrypt the connection (TLS)", Type: "checkbox", Checked: f.TLS},
	}
}

func identityFields(f networkForm) []design.Field {
	return []design.Field{
		{Name: "nick", Label: "Nickname", Value: f.Nick, Mono: true, Autocomplete: "off", MaxLength: 32,
			Hint: "How others see you on this network. Left empty, it is your handle."},
		{Name: "realname", Label: "Real name", Value: f.RealName, Optional: true, Autocomplete: "off", MaxLength: 150,
			Hint: "Anybody on the network can read it. Most people put their nickname or nothing."},
		{Name: "channels", Label: "Channels to join", Value: f.Channels, Optional: true, Mono: true, Autocomplete: "off", Placeholder: "#irc.now, #linux",
			Hint: "Separated by commas or spaces. Channels that you join from your IRC client are remembered as well."},
	}
}

func secretFields(f networkForm, before *bouncer.Upstream) []design.Field {
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
