package account

import (
	"net/http"

	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// failedPage says why a sign-in did not work.
type failedPage struct{ Sentence, SignIn string }

// GET /auth/callback finishes a sign-in. What went wrong is shown beside a way to try again; what is our own fault goes
// the usual way.
func (a *Area) finishSignIn(w http.ResponseWriter, r *http.Request) error {
	err := a.Session.Callback(w, r)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Forbidden, fault.Unavailable:
	default: // nil, too: KindOf(nil) is Internal
		return err
	}
	if fault.Is(err, fault.Unavailable) {
		a.Log.WarnContext(r.Context(), "sign-in failed", "error", err)
	}
	return a.Pages.RenderVisitor(w, web.Status(err), "sign-in-failed", design.Page{
		Title: "Sign-in did not work", Path: r.URL.Path, NoIndex: true,
		Body: failedPage{Sentence: fault.Sentence(err), SignIn: auth.SignInPath},
	})
}
