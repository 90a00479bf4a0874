// Package password is the portal's part for connection passwords, with which IRC clients sign in. A password is shown once,
// when it is made, and no page ever holds it again.
package password

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/throttle"
	"irc.now/shared/web"
)

//go:embed pages/*.html
var files embed.FS

// Area is the pages of connection passwords. All fields are needed.
type Area struct {
	Log      *slog.Logger
	Pages    *page.Pages
	Session  *auth.Auth
	Accounts *account.Store
	States   *state.Cache
	Shared   fragment.SharedBouncer
	Attempts *throttle.Limiter // per user; bounds the making of credentials
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Passwords", URL: "/passwords"} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.User("GET /passwords", a.showPasswords)
	r.User("POST /passwords", a.createPassword)
	r.User("GET /passwords/created", a.showCreatedPassword)
	r.User("GET /passwords/{id}/revoke", a.confirmRevokePassword)
	r.Change("POST /passwords/{id}/revoke", a.revokePassword)
}

// passwordsPage lists the connection passwords and makes new ones.
type passwordsPage struct {
	Live, Revoked []account.ConnectionPassword
	Field         design.Field
	Full          bool // no more can be made
	Max           int
}

// clientNames are what people usually call a connection password.
var clientNames = []string{"Laptop", "Phone", "irssi", "WeeChat", "HexChat", "Halloy", "Goguma"}

// GET /passwords lists the connection passwords.
func (a *Area) showPasswords(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.renderPasswords(w, r, user, http.StatusOK, "", "")
}

func (a *Area) renderPasswords(w http.ResponseWriter, r *http.Request, user account.User, status int, typed, problem string) error {
	passwords, err := a.Accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return err
	}
	body := passwordsPage{Max: account.MaxPasswords, Field: design.Field{
		Name: "name", Label: "Name", Value: typed, Error: problem, Required: true, Autocomplete: "off",
		MaxLength: account.MaxPasswordName, List: clientNames, Placeholder: "Laptop",
		Hint: "The device or program that will use it, so that you know later which one to revoke.",
	}}
	for _, password := range passwords {
		if password.RevokedAt == nil {
			body.Live = append(body.Live, password)
		} else {
			body.Revoked = append(body.Revoked, password)
		}
	}
	body.Full = len(body.Live) >= account.MaxPasswords
	return a.Pages.Render(w, r, user, page.View{Name: "passwords", Title: "Connection passwords", Status: status, Body: body})
}

// whisperName is under which the session keeps a created password, sealed, for the page that shows it: its name and
// the secret, a line each.
const whisperName = "created password"

// POST /passwords makes a password and leads to the page that shows it.
func (a *Area) createPassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := page.Form(w, r); err != nil {
		return err
	}
	if !a.Attempts.Allow(user.ID) {
		return fault.New(fault.RateLimited, "You have made many passwords in a short time. Please wait a minute and try again.")
	}
	typed := r.PostForm.Get("name")
	secret, password, err := a.Accounts.CreatePassword(r.Context(), user.ID, typed)
	switch {
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.OverQuota):
		return a.renderPasswords(w, r, user, web.Status(err), typed, fault.Sentence(err))
	case err != nil:
		return err
	}
	if err := a.Session.Whisper(r.Context(), whisperName, password.Name+"\n"+secret.Reveal()); err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "connection password made", "user", user.ID, "password", password.ID)
	web.LocalRedirect(w, r, "/passwords/created")
	return nil
}

// createdPage shows a new password, this once.
type createdPage struct {
	Name, Secret string
	Access       fragment.Access
}

// GET /passwords/created tells the secret and forgets it. A reload has nothing to tell and goes to the list.
func (a *Area) showCreatedPassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	if r.Method == http.MethodHead { // looks only; must not use up the one time
		w.WriteHeader(http.StatusOK)
		return nil
	}
	name, secret, found := strings.Cut(a.Session.TakeWhisper(r.Context(), whisperName), "\n")
	if !found {
		return a.Pages.Inform(w, r, "/passwords", "A password is shown only once. If you have lost it, make a new one and revoke the old one.")
	}
	return a.Pages.Render(w, r, user, page.View{Name: "password-created", Title: "Your new password", Body: createdPage{
		Name: name, Secret: secret, Access: a.Shared.Access(user, a.States.Of(r.Context(), user), ""),
	}})
}

// password finds one of the user's own passwords that still works.
func (a *Area) password(r *http.Request, user account.User) (account.ConnectionPassword, error) {
	passwords, err := a.Accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return account.ConnectionPassword{}, err
	}
	for _, password := range passwords {
		if password.ID == r.PathValue("id") && password.RevokedAt == nil {
			return password, nil
		}
	}
	return account.ConnectionPassword{}, fault.New(fault.NotFound, "You have no such connection password. It may have been revoked already.")
}

// GET /passwords/{id}/revoke asks whether it is meant.
func (a *Area) confirmRevokePassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	password, err := a.password(r, user)
	if err != nil {
		return err
	}
	return a.Pages.Render(w, r, user, page.View{Name: "password-revoke", Title: "Revoke " + password.Name, Body: password})
}

// POST /passwords/{id}/revoke ends the password.
func (a *Area) revokePassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	password, err := a.password(r, user)
	if err != nil {
		return err
	}
	if err := a.Accounts.RevokePassword(r.Context(), user.ID, password.ID); err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "connection password revoked", "user", user.ID, "password", password.ID)
	return a.Pages.Done(w, r, "/passwords", "The password “%s” no longer works. Clients that are connected with it are disconnected within a minute.", password.Name)
}
