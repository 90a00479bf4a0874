// Package bouncer is the portal's part for a user's dedicated bouncer: its page, which follows it as it changes, and how it
// is created and deleted. What a dedicated bouncer is, and who may have one, package dedicated says.
package bouncer

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"irc.now/functions/portal/dedicated"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/functions/portal/words"
	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

//go:embed pages/*.html
var files embed.FS

const path = "/bouncer"

// Area is the pages of a user's dedicated bouncer. All fields but Follow are needed.
type Area struct {
	Log       *slog.Logger
	Pages     *page.Pages
	Accounts  *account.Store
	States    *state.Cache
	Bouncers  *dedicated.Bouncers
	Plans     string          // where plans are compared
	Retention time.Duration   // how long the database of a deleted bouncer is kept
	Leaving   <-chan struct{} // closed when the program is about to stop
	Follow    time.Duration   // optional; how long a page is followed before it has to ask again

	streams page.Streams
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Bouncer", URL: path} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.User("GET "+path, a.showBouncer)
	r.Change("POST "+path, a.createBouncer)
	r.User("GET "+path+"/events", a.followBouncer)
	r.User("GET "+path+"/delete", a.confirmDeleteBouncer)
	r.Change("POST "+path+"/delete", a.deleteBouncer)
}

// bouncerPage is the user's dedicated bouncer, the way to get one, or what it would give.
type bouncerPage struct {
	Host    string // where it is or would be
	Problem string
	Live    *view // nil where there is none
	May     bool  // the plan gives one
	Plan    words.Plan
	Better  *words.Plan // a plan that gives one; nil for who may have one
	Has     bool        // there is one, whatever the plan
	Pricing string
}

// GET /bouncer shows the user's dedicated bouncer.
func (a *Area) showBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.renderBouncer(w, r, http.StatusOK, user, nil)
}

// renderBouncer shows the page whatever happened: problem is why something was not done.
func (a *Area) renderBouncer(w http.ResponseWriter, r *http.Request, status int, user account.User, problem error) error {
	a.States.Forget(user) // who sees that it is ready here goes on to pages that must know it too
	covered, err := a.coverage(r.Context(), user)
	if err != nil {
		return err
	}
	found, err := a.Bouncers.Find(r.Context(), user.Handle)
	body := bouncerPage{
		Host: a.Bouncers.Host(user.Handle, found), Plan: words.PlanOf(user), Pricing: a.Plans, May: covered.Allowed,
		Has: found != nil,
	}
	switch {
	case err != nil:
		body.Live = unknownView(err)
	case found != nil:
		body.Live = a.viewOf(found, covered)
	}
	if !body.May {
		body.Better = betterPlan(user)
	}
	if problem != nil {
		body.Problem = fault.Sentence(problem)
	}
	return a.Pages.Render(w, r, user, page.View{Name: "bouncer", Title: "Your bouncer", Status: status, Live: true, Body: body})
}

func (a *Area) coverage(ctx context.Context, user account.User) (dedicated.Coverage, error) {
	billing, err := a.Accounts.BillingOf(ctx, user.ID)
	return dedicated.CoverageOf(user, billing), err
}

// betterPlan is what the plan with a dedicated bouncer gives beside what the user has.
func betterPlan(user account.User) *words.Plan {
	user.Plan = account.Pro
	better := words.PlanOf(user)
	return &better
}

// POST /bouncer makes one. One that is there was made by the same form, which was sent twice.
func (a *Area) createBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	err := a.Bouncers.Create(r.Context(), user)
	if fault.Is(err, fault.OverQuota) || fault.Is(err, fault.Conflict) {
		found, lost := a.Bouncers.Find(r.Context(), user.Handle)
		if lost == nil && found != nil && found.DeletionTimestamp.IsZero() {
			err = nil
		}
	}
	switch {
	case err == nil:
		a.Log.InfoContext(r.Context(), "bouncer made", "user", user.ID, "bouncer", string(user.Handle))
		return a.Pages.Done(w, r, path, "Your bouncer is created. This page tells you when it is ready, which takes about a minute.")
	case fault.KindOf(err) == fault.Internal:
		a.Log.ErrorContext(r.Context(), "no bouncer was made", "user", user.ID, "error", err)
	}
	return a.renderBouncer(w, r, web.Status(err), user, err)
}

// deletePage says what goes with the bouncer.
type deletePage struct {
	Host, UID string
	Upstreams []string
	Up        bool
	Kept      string // how long the database is kept; empty where it is not
}

// find finds the user's dedicated bouncer, or says that there is none.
func (a *Area) find(r *http.Request, user account.User) (*v1alpha1.SojuBouncer, error) {
	found, err := a.Bouncers.Find(r.Context(), user.Handle)
	if err == nil && found == nil {
		err = fault.New(fault.NotFound, "You have no bouncer of your own. It may have been deleted already.")
	}
	return found, err
}

// GET /bouncer/delete asks whether it is meant, and says what goes.
func (a *Area) confirmDeleteBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	found, err := a.find(r, user)
	if err != nil {
		return err
	}
	body := deletePage{Host: a.Bouncers.Host(user.Handle, found), UID: string(found.UID), Kept: keptInWords(a.Retention)}
	if b := a.States.Of(r.Context(), user); b.Dedicated() && b.Up() {
		body.Up = true
		for _, upstream := range b.Upstreams {
			body.Upstreams = append(body.Upstreams, upstream.Name)
		}
	}
	return a.Pages.Render(w, r, user, page.View{Name: "bouncer-delete", Title: "Delete your bouncer", Body: body})
}

// POST /bouncer/delete deletes the one that the page was about, which its uid says.
func (a *Area) deleteBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := page.Form(w, r); err != nil {
		return err
	}
	found, err := a.find(r, user)
	switch {
	case fault.Is(err, fault.NotFound): // which is what was wanted
		return a.Pages.Done(w, r, path, "Your bouncer is deleted. You are on the shared bouncer again.")
	case err != nil:
		return err
	}
	defer a.States.Forget(user)
	// Not another one that was made meanwhile.
	err = a.Bouncers.Delete(r.Context(), found.Name, types.UID(r.PostForm.Get("uid")))
	switch {
	case err == nil, fault.Is(err, fault.NotFound):
		a.Log.InfoContext(r.Context(), "bouncer deleted", "user", user.ID, "bouncer", found.Name)
		return a.Pages.Done(w, r, path, "Your bouncer is being deleted. You are on the shared bouncer again.")
	case fault.Is(err, fault.Unavailable), fault.Is(err, fault.Conflict), fault.Is(err, fault.Forbidden):
		return a.renderBouncer(w, r, web.Status(err), user, err)
	default:
		return err
	}
}

// keptInWords says how long the database of a deleted bouncer is kept.
func keptInWords(retention time.Duration) string {
	const day = 24 * time.Hour
	switch days := int(retention / day); {
	case retention <= 0:
		return ""
	case days == 1:
		return "one day"
	case days > 1:
		return fmt.Sprintf("%d days", days)
	default:
		return fmt.Sprintf("%d hours", max(int(retention/time.Hour), 1))
	}
}
