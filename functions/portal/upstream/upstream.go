// Package upstream is the portal's part for the IRC networks that a user's bouncer connects to, its upstreams; pages call
// them networks. The upstreams are the bouncer's, reached through bounceradmin; nothing of them is kept here.
package upstream

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"irc.now/functions/portal/fragment"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/functions/portal/words"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

//go:embed pages/*.html
var files embed.FS

// Area is the pages of upstreams. All fields but Ours are needed.
type Area struct {
	Pages    *page.Pages
	Accounts *account.Store
	States   *state.Cache
	Ours     []bouncer.KnownUpstream // offered first, and may lie in private address space
	Domain   string                  // the platform's, below which names may be private
	Plans    string                  // where plans are compared
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Networks", URL: "/networks"} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.User("GET /networks", a.showUpstreams)
	r.User("GET /networks/state", a.showStates)
	r.User("GET /networks/new", a.showNew)
	r.Change("POST /networks", a.createUpstream)
	r.User("GET /networks/{id}/edit", a.editUpstream)
	r.Change("POST /networks/{id}", a.updateUpstream)
	r.User("GET /networks/{id}/remove", a.confirmRemoveUpstream)
	r.Change("POST /networks/{id}/remove", a.removeUpstream)
	r.Change("POST /networks/{id}/connect", a.connectUpstream)
	r.Change("POST /networks/{id}/disconnect", a.disconnectUpstream)
	a.certificateRoutes(r)
}

// listPage is the list.
type listPage struct {
	fragment.Bouncer

	Plan    words.Plan
	MayAdd  bool
	Over    *fragment.OverQuota
	Pricing string
}

// GET /networks lists the user's upstreams.
func (a *Area) showUpstreams(w http.ResponseWriter, r *http.Request, user account.User) error {
	b := a.States.Of(r.Context(), user)
	billing, err := a.Accounts.BillingOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	return a.Pages.Render(w, r, user, page.View{Name: "networks", Title: "Networks", Live: true, Body: listPage{
		Bouncer: fragment.BouncerOf(user, b), Plan: words.PlanOf(user), MayAdd: b.HasRoom(user),
		Over: fragment.OverQuotaOf(user, billing, b), Pricing: a.Plans,
	}})
}

// GET /networks/state is the live part alone, for the script that refreshes it.
func (a *Area) showStates(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.Pages.Fragment(w, "networks", "states", fragment.BouncerOf(user, a.States.Of(r.Context(), user)))
}

// found is an upstream of a user's and the bouncer that it is on.
type found struct {
	fragment.Upstream

	on *bouncer.Admin
}

// find gives the user's own upstream with the id in the path. Another user's is as little there as one that does not
// exist.
func (a *Area) find(r *http.Request, user account.User) (found, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return found{}, web.NotFound
	}
	b := a.States.Fresh(r.Context(), user)
	if !b.Up() {
		return found{}, b.Err
	}
	for _, upstream := range fragment.BouncerOf(user, b).Upstreams {
		if upstream.ID == id {
			return found{upstream, b.Admin}, nil
		}
	}
	return found{}, errGone
}

// errGone is of an upstream that the user does not have, or no longer.
var errGone = fault.New(fault.NotFound, "You have no such network. It may have been removed in the meantime.")

func isGone(err error) bool { return errors.Is(err, errGone) }

// GET /networks/{id}/remove asks whether it is meant.
func (a *Area) confirmRemoveUpstream(w http.ResponseWriter, r *http.Request, user account.User) error {
	upstream, err := a.find(r, user)
	switch {
	case isGone(err):
		return a.Pages.Inform(w, r, "/networks", "That network is removed already.")
	case err != nil:
		return err
	}
	return a.Pages.Render(w, r, user, page.View{Name: "network-remove", Title: "Remove " + upstream.Title(), Body: upstream})
}

// POST /networks/{id}/remove has the bouncer leave and forget the upstream.
func (a *Area) removeUpstream(w http.ResponseWriter, r *http.Request, user account.User) error {
	upstream, err := a.find(r, user)
	switch {
	case isGone(err): // which is what was wanted
		return a.Pages.Done(w, r, "/networks", "The network is removed.")
	case err != nil:
		return err
	}
	defer a.States.Forget(user)
	later, err := upstream.on.DeleteUpstream(r.Context(), string(user.Handle), upstream.Name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if later {
		return a.Pages.Inform(w, r, "/networks", upstream.Title()+" is going to be removed. Your bouncer is busy and does so as soon as it can; that may take some minutes.")
	}
	return a.Pages.Done(w, r, "/networks", "%s is removed.", upstream.Title())
}

// done says that something is done or, where the bouncer is busy, that it will be.
func (a *Area) done(w http.ResponseWriter, r *http.Request, later bool, format string, args ...any) error {
	if later {
		return a.Pages.Inform(w, r, "/networks", "Your bouncer is busy. It does what you want as soon as it can; that may take some minutes.")
	}
	return a.Pages.Done(w, r, "/networks", format, args...)
}

// POST /networks/{id}/connect has the bouncer connect to the upstream.
func (a *Area) connectUpstream(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.switchUpstream(w, r, user, true)
}

// POST /networks/{id}/disconnect has the bouncer stay away from the upstream.
func (a *Area) disconnectUpstream(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.switchUpstream(w, r, user, false)
}

func (a *Area) switchUpstream(w http.ResponseWriter, r *http.Request, user account.User, on bool) error {
	upstream, err := a.find(r, user)
	if err != nil {
		return err
	}
	defer a.States.Forget(user)
	later, err := upstream.on.SetEnabled(r.Context(), string(user.Handle), upstream.Name, on)
	switch {
	case fault.Is(err, fault.OverQuota):
		return a.renderLimit(w, r, user, err)
	case err != nil:
		return err
	case on:
		return a.done(w, r, later, "Your bouncer connects to %s now.", upstream.Title())
	default:
		return a.done(w, r, later, "Your bouncer leaves %s and stays away until you connect it again.", upstream.Title())
	}
}

// limitPage says that the plan has no room, and what can be done.
type limitPage struct {
	Plan    words.Plan
	Reason  string // the bouncer's own, where it was the bouncer that refused
	Pricing string
}

// renderLimit refuses one more upstream. refusal is the bouncer's own error, nil where the plan alone decided.
func (a *Area) renderLimit(w http.ResponseWriter, r *http.Request, user account.User, refusal error) error {
	body := limitPage{Plan: words.PlanOf(user), Pricing: a.Plans}
	if refusal != nil {
		body.Reason = fault.Sentence(refusal)
	}
	return a.Pages.Render(w, r, user, page.View{
		Name: "network-limit", Title: "No room for another network", Status: http.StatusForbidden, Body: body,
	})
}
