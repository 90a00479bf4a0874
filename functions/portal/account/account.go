// Package account is the portal's part that is about who somebody is here: signing in and out, the handle, and the page of
// the account itself. Who may sign in, package auth decides; what an account is, package account in shared.
package account

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"

	"irc.now/functions/portal/page"
	"irc.now/functions/portal/words"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/event/outbox"
	"irc.now/shared/throttle"
)

//go:embed pages/*.html
var files embed.FS

// Area is the account's pages. All fields are needed.
type Area struct {
	Log      *slog.Logger
	Pages    *page.Pages
	Session  *auth.Auth
	Accounts *account.Store
	Attempts *throttle.Limiter // per user; bounds the guessing of taken handles
	Plans    string            // where plans are compared
	Cluster  bool              // users can have a dedicated bouncer
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Account", URL: "/account"} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.Visitor("GET "+auth.SignInPath, a.Session.SignIn)
	r.Visitor("GET "+auth.CallbackPath, a.finishSignIn)
	r.Visitor("POST "+auth.SignOutPath, a.Session.SignOut)
	r.SignedIn("GET /handle", a.showHandle)
	r.SignedIn("POST /handle", a.chooseHandle)
	r.User("GET /account", a.showAccount)
	r.User("POST /account/sign-out-everywhere", a.signOutEverywhere)
}

// Admit gives what [auth.Config] asks who somebody is: it makes the account at the first sign-in and finds it at every
// later one. Relay, which may be nil, is woken for what the outbox then holds.
func Admit(accounts *account.Store, relay *outbox.Relay, log *slog.Logger) func(context.Context, auth.Identity) (string, error) {
	return func(ctx context.Context, identity auth.Identity) (string, error) {
		user, created, err := accounts.SignIn(ctx, identity.Subject, identity.Email)
		if err != nil {
			return "", err
		}
		if user.SignedOutSince(identity.Authenticated) {
			return "", auth.ErrSignInAgain
		}
		if created {
			log.InfoContext(ctx, "account made", "user", user.ID)
			if relay != nil {
				relay.Wake()
			}
		}
		return user.ID, nil
	}
}

// accountPage is what we know of the user and what the plan allows.
type accountPage struct {
	User    account.User
	Plan    words.Plan
	SignOut string
	Pricing string
}

// GET /account shows what we know of the user.
func (a *Area) showAccount(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.Pages.Render(w, r, user, page.View{Name: "account", Title: "Account", Body: accountPage{
		User: user, Plan: a.planOf(user), SignOut: auth.SignOutPath, Pricing: a.Plans,
	}})
}

// planOf is what the plan gives here.
func (a *Area) planOf(user account.User) words.Plan {
	plan := words.PlanOf(user)
	if !a.Cluster {
		plan = plan.OnShared()
	}
	return plan
}

// POST /account/sign-out-everywhere ends every session of the user here and what sessions elsewhere could begin again,
// then goes on as signing out does.
func (a *Area) signOutEverywhere(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := a.Accounts.SignOutEverywhere(r.Context(), user.ID); err != nil {
		return err
	}
	if err := a.Session.EndSessions(r.Context(), user.ID); err != nil {
		return err
	}
	return a.Session.SignOut(w, r)
}
