// Package dashboard is the portal's first page: everything at a glance for who is signed in, and the door for everybody
// else.
package dashboard

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"

	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/functions/portal/words"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
)

//go:embed pages/*.html
var files embed.FS

// Area is the dashboard. All fields are needed.
type Area struct {
	Pages    *page.Pages
	Accounts *account.Store
	States   *state.Cache
	Shared   fragment.SharedBouncer
	Cluster  bool   // users can have a dedicated bouncer
	Plans    string // where plans are compared
	Landing  string // the landing site
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Dashboard", URL: "/"} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.UserOrVisitor("GET /{$}", a.showDashboard, a.showWelcome)
}

// welcomePage is the door.
type welcomePage struct{ SignIn, SignUp, Landing string }

// GET / shows a visitor how to get in.
func (a *Area) showWelcome(w http.ResponseWriter, r *http.Request) error {
	view := design.Page{
		Title: "Sign in", Path: r.URL.Path,
		Description: "Sign in to irc.now to look after your bouncer, its networks and your connection passwords.",
		Body:        welcomePage{SignIn: auth.SignInPath, SignUp: auth.SignInPath + "?new", Landing: a.Landing},
	}
	if r.URL.Query().Get("signed-out") == "here" {
		view.Flash = &design.Flash{Kind: "warn", Text: "You are signed out here. The sign-in service did not answer, so you may still be signed in there."}
	}
	return a.Pages.RenderVisitor(w, http.StatusOK, "welcome", view)
}

// dashboardPage is everything at a glance.
type dashboardPage struct {
	fragment.Bouncer

	Handle    account.Handle
	Steps     steps
	Cluster   bool
	Plan      words.Plan
	Now       words.Plan // what of it there is on the bouncer that serves the user
	MayAdd    bool
	Pricing   string
	Access    fragment.Access
	Passwords fragment.Passwords
}

// steps are what a new user does, in order; the first that is not done is next.
type steps struct{ Upstream, Password, Client bool }

// Done reports whether there is nothing left to lead to.
func (s steps) Done() bool { return s.Upstream && s.Password && s.Client }

// GET / shows a user everything at a glance.
func (a *Area) showDashboard(w http.ResponseWriter, r *http.Request, user account.User) error {
	all, err := a.Accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return err
	}
	bouncer, passwords := a.States.Of(r.Context(), user), fragment.PasswordsOf(all)
	// Many look at it again and again, and the same is to be seen until the bouncer is asked again.
	main, err := bouncer.Rendered(passwords, func() (template.HTML, error) {
		return a.Pages.HTML("dashboard", "main", a.pageOf(user, bouncer, passwords))
	})
	if err != nil {
		return err
	}
	return a.Pages.Render(w, r, user, page.View{Name: "dashboard", Title: "Dashboard", Live: true, Body: main})
}

func (a *Area) pageOf(user account.User, bouncer state.Bouncer, passwords fragment.Passwords) dashboardPage {
	plan := words.PlanOf(user)
	now := plan
	if !bouncer.Dedicated() {
		now = plan.OnShared()
	}
	return dashboardPage{
		Bouncer: fragment.BouncerOf(user, bouncer), Handle: user.Handle, Cluster: a.Cluster, Plan: plan, Now: now,
		MayAdd: bouncer.HasRoom(user), Pricing: a.Plans, Access: a.Shared.Access(user, bouncer, ""), Passwords: passwords,
		// While the bouncer is away nobody can tell, and nobody should be sent to add what may be there.
		Steps: steps{Upstream: !bouncer.Up() || len(bouncer.Upstreams) > 0, Password: passwords.Live > 0, Client: passwords.Used()},
	}
}
