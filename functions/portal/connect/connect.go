// Package connect is the portal's page that explains how to connect an IRC client, with the user's own values.
package connect

import (
	"crypto/rand"
	"embed"
	"io/fs"
	"net/http"
	"time"

	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/shared/account"
	"irc.now/shared/design"
	"irc.now/shared/guide"
)

//go:embed pages/*.html
var files embed.FS

// Area is the page. All fields are needed.
type Area struct {
	Pages    *page.Pages
	Accounts *account.Store
	States   *state.Cache
	Shared   fragment.SharedBouncer
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Connect", URL: "/connect"} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.User("GET /connect", a.showConnect)
}

// connectPage explains how to connect.
type connectPage struct {
	Form        string // tells the forms of this page from those of another
	Access      fragment.Access
	Upstreams   []string // those that a user name can hold
	Up          bool
	Pending     bool
	HasPassword bool
	Client      *fragment.Client // of the newest password; nil where there is none
	Guides      []guide.Guide
}

// GET /connect shows how to connect; the query "network" names the upstream to connect to.
func (a *Area) showConnect(w http.ResponseWriter, r *http.Request, user account.User) error {
	passwords, err := a.Accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return err
	}
	bouncer := a.States.Of(r.Context(), user)
	access := a.Shared.Access(user, bouncer, r.URL.Query().Get("network"))
	shown := connectPage{
		Form: rand.Text(), Access: access, Upstreams: fragment.Reachable(bouncer), Up: bouncer.Up(), Pending: bouncer.Pending,
		Guides: guide.For(access.Connection),
	}
	if len(passwords) > 0 && passwords[0].RevokedAt == nil {
		client := fragment.ClientOf(r.Context(), passwords[0], bouncer, access, time.Now())
		shown.HasPassword, shown.Client = true, &client
	}
	return a.Pages.Render(w, r, user, page.View{Name: "connect", Title: "How to connect", Live: true, Body: shown})
}
