// Package password is the portal's part for connection passwords, with which IRC clients sign in. A password is shown once,
// when it is made, and no page ever holds it again.
package password

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"

	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/throttle"
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
	r.User("GET /passwords/{id}/client", a.showClient)
	r.User("GET /passwords/{id}/revoke", a.confirmRevokePassword)
	r.Change("POST /passwords/{id}/revoke", a.revokePassword)
}

// passwordsPage lists the connection passwords and makes new ones.
type passwordsPage struct {
	Live, Revoked []account.ConnectionPassword
	Fields        []design.Field
	Full          bool // no more can be made
	Max           int
}

// GET /passwords lists the connection passwords. The query may say which client and network the next one is for.
func (a *Area) showPasswords(w http.ResponseWriter, r *http.Request, user account.User) error {
	wanted := request{client: r.URL.Query().Get("client"), network: r.URL.Query().Get("network")}
	return a.renderPasswords(w, r, user, http.StatusOK, wanted, "")
}

func (a *Area) renderPasswords(w http.ResponseWriter, r *http.Request, user account.User, status int, typed request, problem string) error {
	passwords, err := a.Accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return err
	}
	body := passwordsPage{Max: account.MaxPasswords, Fields: typed.fields(fragment.Reachable(a.States.Of(r.Context(), user)), problem)}
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

// password finds one of the user's own passwords, revoked ones included.
func (a *Area) password(r *http.Request, user account.User) (account.ConnectionPassword, error) {
	passwords, err := a.Accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return account.ConnectionPassword{}, err
	}
	for _, password := range passwords {
		if password.ID == r.PathValue("id") {
			return password, nil
		}
	}
	return account.ConnectionPassword{}, fault.New(fault.NotFound, "You have no such connection password.")
}

// GET /passwords/{id}/revoke asks whether it is meant.
func (a *Area) confirmRevokePassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	password, err := a.password(r, user)
	if err != nil {
		return err
	}
	if password.RevokedAt != nil {
		return a.Pages.Inform(w, r, "/passwords", "That password is revoked already.")
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
	if password.RevokedAt == nil {
		a.Log.InfoContext(r.Context(), "connection password revoked", "user", user.ID, "password", password.ID)
	}
	if password.LastUsedAt == nil {
		return a.Pages.Done(w, r, "/passwords", "The password “%s” no longer works. No client has used it, so none is disconnected.", password.Name)
	}
	return a.Pages.Done(w, r, "/passwords", "The password “%s” no longer works. All your clients are disconnected within a minute; those with another "+
		"password come back by themselves.", password.Name)
}
