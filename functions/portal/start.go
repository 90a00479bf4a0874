package portal

import (
	"context"
	"net/http"

	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// admit makes the account at the first sign-in and finds it at every later one.
func (p *portal) admit(ctx context.Context, identity auth.Identity) (string, error) {
	user, created, err := p.accounts.SignIn(ctx, identity.Subject, identity.Email)
	if err != nil {
		return "", err
	}
	if created {
		p.log.InfoContext(ctx, "account made", "user", user.ID)
		if p.relay != nil {
			p.relay.Wake() //nolint:contextcheck // sends on its own time, after this request has ended
		}
	}
	return user.ID, nil
}

// showStart is the dashboard for those who are signed in, and the door for everybody else.
func (p *portal) showStart(w http.ResponseWriter, r *http.Request) error {
	if p.auth.UserID(r.Context()) != "" {
		return p.forUser(p.showDashboard)(w, r)
	}
	page := design.Page{
		Title: "Sign in", Path: r.URL.Path,
		Description: "Sign in to irc.now to look after your bouncer, its networks and your connection passwords.",
		Body:        struct{ SignIn, SignUp, Landing string }{auth.SignInPath, auth.SignInPath + "?new", p.settings.LandingURL.Join("/")},
	}
	if r.URL.Query().Get("signed-out") == "here" {
		page.Flash = &design.Flash{Kind: "warn", Text: "You are signed out here. The sign-in service did not answer, so you may still be signed in there."}
	}
	return p.pages.Render(w, http.StatusOK, "welcome", page)
}

// finishSignIn shows what went wrong beside a way to try again; what is our own fault goes the usual way.
func (p *portal) finishSignIn(w http.ResponseWriter, r *http.Request) error {
	err := p.auth.Callback(w, r)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Forbidden, fault.Unavailable:
	default: // nil, too: KindOf(nil) is Internal
		return err
	}
	if fault.Is(err, fault.Unavailable) {
		p.log.WarnContext(r.Context(), "sign-in failed", "error", err)
	}
	page := design.Page{
		Title: "Sign-in did not work", Path: r.URL.Path, NoIndex: true,
		Body: struct{ Sentence, SignIn string }{fault.Sentence(err), auth.SignInPath},
	}
	return p.pages.Render(w, web.Status(err), "sign-in-failed", page)
}

// showAccount shows what we know of the user and what the plan allows.
func (p *portal) showAccount(w http.ResponseWriter, r *http.Request, user account.User) error {
	return p.render(w, r, http.StatusOK, "account", "Account", user, struct {
		User    account.User
		Plan    planView
		SignOut string
		Pricing string
	}{user, planOf(user), auth.SignOutPath, p.plansPage()})
}

// signOutEverywhere ends every session of the user here, then goes on as signing out does.
func (p *portal) signOutEverywhere(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := p.auth.EndSessions(r.Context(), user.ID); err != nil {
		return err
	}
	return p.auth.SignOut(w, r)
}
