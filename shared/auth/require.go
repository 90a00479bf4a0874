package auth

import (
	"net/http"
	"net/url"
	"strings"

	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// Require lets only signed-in people through to next. A page that was asked for by name sends the visitor to sign in
// and back; a script's request gets an Unauthenticated fault, for it could do nothing with a sign-in page.
func (a *Auth) Require(next Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if a.UserID(r.Context()) != "" {
			return next(w, r)
		}
		if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
			return fault.New(fault.Unauthenticated, "Your session has ended. Reload the page to sign in again.")
		}
		redirect(w, r, SignInPath+"?return="+url.QueryEscape(returnPath(r)))
		return nil
	}
}

// returnPath is where to go after signing in: the page itself, or for a form that was sent, which cannot be sent
// again, the page it was on.
func returnPath(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return LocalPath(r.URL.RequestURI())
	}
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host {
		return "/"
	}
	return LocalPath(from.RequestURI())
}

// LocalPath gives back target if it is a path on this site that sign-in may lead back to, else "/". Sign-in's own
// paths are none, for they would go round in circles.
func LocalPath(target string) string {
	local := web.LocalPath(target)
	if strings.HasPrefix(local, "/auth/") {
		return "/"
	}
	return local
}

// redirect answers 303, after which every browser asks with GET. Target has been through [LocalPath], or is the
// identity provider's.
func redirect(w http.ResponseWriter, r *http.Request, target string) {
	http.Redirect(w, r, target, http.StatusSeeOther) //nolint:gosec // see above; the tests try to get elsewhere
}
