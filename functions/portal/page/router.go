package page

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/telemetry"
	"irc.now/shared/throttle"
	"irc.now/shared/web"
)

// UserHandler serves a signed-in user. Its error is answered by the adapter around it.
type UserHandler func(http.ResponseWriter, *http.Request, account.User) error

// Router takes areas' routes. Each has the visitor's session around it, and what the kind of route asks of the visitor.
type Router struct {
	mux      *http.ServeMux
	site     *web.Site
	session  *auth.Auth
	accounts *account.Store
	changes  *throttle.Limiter // per user; bounds what can be stored, or sent to IRC networks
}

// Hosting is what serves areas' routes, beside the pages themselves.
type Hosting struct {
	Log      *slog.Logger
	Accounts *account.Store
	Policy   web.Policy
}

// Serve adds areas, in the order of their navigation, and gives what serves them all. Call it once.
func (p *Pages) Serve(h Hosting, areas ...Area) (http.Handler, error) {
	site := web.New(web.Config{Log: h.Log, Pages: p.set, Page: p.surroundings})
	r := &Router{
		mux: http.NewServeMux(), site: site, session: p.session, accounts: h.Accounts, changes: throttle.New(2*time.Second, 30),
	}
	r.mux.Handle("GET /static/", design.Static())
	for _, area := range areas {
		if err := p.add(area); err != nil {
			return nil, err
		}
		area.Routes(r)
	}
	handler, err := site.CrossOrigin(telemetry.RecordRoute(site.Mux(r.mux)))
	if err != nil {
		return nil, fmt.Errorf("protect forms: %w", err)
	}
	return web.Secure(withVisitor(handler), h.Policy), nil
}

// Visitor registers a page for everybody.
func (r *Router) Visitor(pattern string, h auth.Handler) {
	r.mux.Handle(pattern, r.site.Handle(r.session.Session(h)))
}

// SignedIn registers a page for who is signed in, with a handle or without.
func (r *Router) SignedIn(pattern string, h UserHandler) {
	r.Visitor(pattern, r.session.Require(r.signedIn(h)))
}

// User registers a page for who is signed in and has a handle; whoever has none picks one first.
func (r *Router) User(pattern string, h UserHandler) { r.SignedIn(pattern, withHandle(h)) }

// Change registers what changes something for a user, which is limited.
func (r *Router) Change(pattern string, h UserHandler) { r.User(pattern, r.limited(h)) }

// UserOrVisitor registers a page that users have, and another one for who is not signed in.
func (r *Router) UserOrVisitor(pattern string, user UserHandler, visitor auth.Handler) {
	signedIn := r.signedIn(withHandle(user))
	r.Visitor(pattern, func(w http.ResponseWriter, req *http.Request) error {
		if r.session.UserID(req.Context()) == "" {
			return visitor(w, req)
		}
		return signedIn(w, req)
	})
}

// signedIn finds the account behind the session. A session whose account is gone is no session.
func (r *Router) signedIn(next UserHandler) auth.Handler {
	return func(w http.ResponseWriter, req *http.Request) error {
		user, err := r.accounts.ByID(req.Context(), r.session.UserID(req.Context()))
		if fault.Is(err, fault.NotFound) {
			r.session.Forget(req.Context())
			return fault.Wrap(err, fault.Unauthenticated, "This account no longer exists. Sign in again to make a new one.")
		}
		if err != nil {
			return err
		}
		if user.SignedOutSince(r.session.Identity(req.Context()).Authenticated) {
			// One that was begun while its owner signed out everywhere.
			r.session.Forget(req.Context())
			return fault.New(fault.Unauthenticated, "You have signed out everywhere. Please sign in again.")
		}
		visitorOf(req.Context()).user = &user
		return next(w, req, user)
	}
}

func withHandle(next UserHandler) UserHandler {
	return func(w http.ResponseWriter, r *http.Request, user account.User) error {
		if user.Handle == "" {
			web.LocalRedirect(w, r, "/handle")
			return nil
		}
		return next(w, r, user)
	}
}

// limited bounds how often a user may change things.
func (r *Router) limited(next UserHandler) UserHandler {
	return func(w http.ResponseWriter, req *http.Request, user account.User) error {
		if !r.changes.Allow(user.ID) {
			return fault.New(fault.RateLimited, "That was a lot of changes in a short time. Please wait a minute and try again.")
		}
		return next(w, req, user)
	}
}
