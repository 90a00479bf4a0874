package password

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/guide"
	"irc.now/shared/web"
)

// request is what the form asks for.
type request struct {
	name    string // of the password
	client  string // the guide to open with it; empty for none
	network string // the upstream to write the guide for; empty for the first
}

// suggestions are what people usually call a connection password.
var suggestions = []string{"Laptop", "Phone", "irssi", "WeeChat", "HexChat", "Halloy", "Goguma"}

// fields are the form's, filled in.
func (q request) fields(networks []string, problem string) []design.Field {
	clients := []design.Option{{Value: "", Text: "Choose on the next page"}}
	for _, g := range guide.For(guide.Connection{}) {
		clients = append(clients, design.Option{Value: g.ID, Text: g.Name + " (" + g.Platform + ")"})
	}
	fields := []design.Field{{Name: formField, Type: "hidden", Value: rand.Text()}, {
		Name: "name", Label: "Name", Value: q.name, Error: problem, Required: true, Autocomplete: "off",
		MaxLength: account.MaxPasswordName, List: suggestions, Placeholder: "Laptop",
		Hint: "The device or program that will use it, so that you know later which one to revoke.",
	}, {
		Name: "client", Label: "IRC client", Type: "select", Value: q.client, Options: clients,
		Hint: "The next page has what to type into it, with the password filled in.",
	}}
	if len(networks) < 2 {
		return fields
	}
	choices := []design.Option{}
	for _, name := range networks {
		choices = append(choices, design.Option{Value: name, Text: name})
	}
	return append(fields, design.Field{Name: "network", Label: "Network", Type: "select", Value: q.network, Options: choices})
}

// What the session keeps, sealed, of a created password for the page that shows it: under the first name its name and the
// secret, a line each; under the second its id, the client and the network that it is for.
const (
	createdWhisper = "created password"
	usedByWhisper  = "created password is for"
)

// POST /passwords makes a password and leads to the page that shows it.
func (a *Area) createPassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := page.Form(w, r); err != nil {
		return err
	}
	if !a.Attempts.Allow(user.ID) {
		return fault.New(fault.RateLimited, "You have made many passwords in a short time. Please wait a minute and try again.")
	}
	asked := a.asked(r, user)
	seed, err := a.seed(r)
	if err != nil {
		return err
	}
	secret, password, err := a.Accounts.CreatePasswordOnce(r.Context(), user.ID, asked.name, seed)
	switch {
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.OverQuota):
		return a.renderPasswords(w, r, user, web.Status(err), asked, fault.Sentence(err))
	case err != nil:
		return err
	}
	if err := a.Session.Whisper(r.Context(), createdWhisper, password.Name+"\n"+secret.Reveal()); err != nil {
		return err
	}
	if err := a.Session.Whisper(r.Context(), usedByWhisper, password.ID+"\n"+asked.client+"\n"+asked.network); err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "connection password made", "user", user.ID, "password", password.ID)
	web.LocalRedirect(w, r, "/passwords/created")
	return nil
}

// formField tells one form that was shown from another.
const formField = "form"

// seed is what the password is made of: the same form, sent twice, gives the same password. Of two passwords one would
// never be seen.
func (a *Area) seed(r *http.Request) (config.Secret, error) {
	form := r.PostForm.Get(formField)
	if form == "" {
		form = rand.Text()
	}
	return a.Session.Derive(r.Context(), "form "+form)
}

// asked reads the form. A client or network that there is not is none.
func (a *Area) asked(r *http.Request, user account.User) request {
	q := request{name: r.PostForm.Get("name")}
	if g, ok := guide.Find(guide.For(guide.Connection{}), r.PostForm.Get("client")); ok {
		q.client = g.ID
	}
	if network := r.PostForm.Get("network"); slices.Contains(fragment.Reachable(a.States.Of(r.Context(), user)), network) {
		q.network = network
	}
	return q
}

// createdPage shows a new password, this once, with what to do with it.
type createdPage struct {
	ID, Name, Secret string
	Access           fragment.Access
	Chosen           string // the guide that is open
	Guides           []guide.Guide
	Client           fragment.Client
}

// GET /passwords/created tells the secret and forgets it. A reload has nothing to tell and goes to the list.
func (a *Area) showCreatedPassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	if r.Method == http.MethodHead { // looks only; must not use up the one time
		w.WriteHeader(http.StatusOK)
		return nil
	}
	name, secret, found := strings.Cut(a.Session.TakeWhisper(r.Context(), createdWhisper), "\n")
	if !found {
		return a.Pages.Inform(w, r, "/passwords", "A password is shown only once. If you have lost it, make a new one and revoke the old one.")
	}
	id, usedBy, _ := strings.Cut(a.Session.TakeWhisper(r.Context(), usedByWhisper), "\n")
	client, network, _ := strings.Cut(usedBy, "\n")
	access := a.Shared.Access(user, a.States.Of(r.Context(), user), network)
	written := access.Connection
	written.Password = secret
	return a.Pages.Render(w, r, user, page.View{Name: "password-created", Title: "Your new password", Live: true, Body: createdPage{
		ID: id, Name: name, Secret: secret, Access: access, Chosen: client, Guides: guide.For(written),
		Client: fragment.Client{Password: account.ConnectionPassword{ID: id, Name: name}, Access: access},
	}})
}

// GET /passwords/{id}/client tells how far the client of a password has come, for the script that refreshes it.
func (a *Area) showClient(w http.ResponseWriter, r *http.Request, user account.User) error {
	password, err := a.password(r, user)
	switch {
	case err != nil:
		return err
	case password.RevokedAt != nil:
		return fault.New(fault.NotFound, "That password is revoked.")
	}
	b := a.States.Of(r.Context(), user)
	client := fragment.ClientOf(r.Context(), password, b, a.Shared.Access(user, b, r.URL.Query().Get("network")), time.Now())
	return a.Pages.Fragment(w, "password-created", "client-state", client)
}
