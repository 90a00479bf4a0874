package portal

import (
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

const (
	bouncerPath = "/bouncer"
	ownPort     = 6697 // of every bouncer of one's own; always TLS
)

// bouncerRoutes are there only where users can have a bouncer of their own.
func (p *portal) bouncerRoutes(user func(pattern string, h userHandler)) {
	user("GET "+bouncerPath, p.showBouncer)
	user("POST "+bouncerPath, p.limited(p.createBouncer))
	user("GET "+bouncerPath+"/events", p.followBouncer)
	user("GET "+bouncerPath+"/delete", p.confirmDeleteBouncer)
	user("POST "+bouncerPath+"/delete", p.limited(p.deleteBouncer))
}

// bouncerPage is the user's own bouncer, the way to get one, or what it would give.
type bouncerPage struct {
	Host    string // where it is or would be
	Problem string
	Live    *ownView // nil where there is none
	May     bool     // the plan gives one
	Plan    planView
	Better  *planView // a plan that gives one; nil for who may have one
	Has     bool      // there is one, whatever the plan
	Pricing string
}

func (p *portal) showBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	return p.renderBouncer(w, r, http.StatusOK, user, nil)
}

// renderBouncer shows the page whatever happened: problem is why something was not done.
func (p *portal) renderBouncer(w http.ResponseWriter, r *http.Request, status int, user account.User, problem error) error {
	p.bouncers.Forget(user) // who sees that it is ready here goes on to pages that must know it too
	pays, err := p.coverage(r.Context(), user)
	if err != nil {
		return err
	}
	own, err := p.own.find(r.Context(), user.Handle)
	page := bouncerPage{
		Host: p.own.host(user.Handle, own), Plan: planOf(user), Pricing: p.plansPage(), May: pays.may,
		Has: own != nil,
	}
	switch {
	case err != nil:
		page.Live = unknownView(err)
	case own != nil:
		page.Live = p.viewOf(own, pays)
	}
	if !page.May {
		page.Better = betterPlan(user)
	}
	if problem != nil {
		page.Problem = fault.Sentence(problem)
	}
	return p.render(w, r, status, "bouncer", "Your bouncer", user, page)
}

// betterPlan is what the plan with a bouncer of one's own gives beside what the user has.
func betterPlan(user account.User) *planView {
	user.Plan = account.Pro
	better := planOf(user)
	return &better
}

func (p *portal) createBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	err := p.own.create(r.Context(), user)
	switch {
	case err == nil:
		p.log.InfoContext(r.Context(), "bouncer made", "user", user.ID, "bouncer", string(user.Handle))
		return p.done(w, r, bouncerPath, "Your bouncer is created. This page tells you when it is ready, which takes about a minute.")
	case fault.KindOf(err) == fault.Internal:
		p.log.ErrorContext(r.Context(), "no bouncer was made", "user", user.ID, "error", err)
	}
	return p.renderBouncer(w, r, web.Status(err), user, err)
}

// deletePage says what goes with the bouncer.
type deletePage struct {
	Host, UID string
	Networks  []string
	Up        bool
	Kept      string // how long the database is kept; empty where it is not
}

// ownBouncer finds the user's own bouncer, or says that there is none.
func (p *portal) ownBouncer(r *http.Request, user account.User) (*v1alpha1.SojuBouncer, error) {
	own, err := p.own.find(r.Context(), user.Handle)
	if err == nil && own == nil {
		err = fault.New(fault.NotFound, "You have no bouncer of your own. It may have been deleted already.")
	}
	return own, err
}

func (p *portal) confirmDeleteBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	own, err := p.ownBouncer(r, user)
	if err != nil {
		return err
	}
	page := deletePage{Host: p.own.host(user.Handle, own), UID: string(own.UID), Kept: keptInWords(p.settings.Retention)}
	if state := p.bouncers.State(r.Context(), user); state.Own() && state.Up() {
		page.Up = true
		for _, network := range state.Networks {
			page.Networks = append(page.Networks, network.Name)
		}
	}
	return p.render(w, r, http.StatusOK, "bouncer-delete", "Delete your bouncer", user, page)
}

func (p *portal) deleteBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := web.Form(w, r, formLimit); err != nil {
		return err
	}
	own, err := p.ownBouncer(r, user)
	if err != nil {
		return err
	}
	defer p.bouncers.Forget(user)
	// The one that the page was about, and not another one that was made meanwhile.
	err = p.own.Delete(r.Context(), own.Name, types.UID(r.PostForm.Get("uid")))
	switch {
	case err == nil, fault.Is(err, fault.NotFound):
		p.log.InfoContext(r.Context(), "bouncer deleted", "user", user.ID, "bouncer", own.Name)
		return p.done(w, r, bouncerPath, "Your bouncer is being deleted. You are on the shared bouncer again.")
	case fault.Is(err, fault.Unavailable), fault.Is(err, fault.Conflict), fault.Is(err, fault.Forbidden):
		return p.renderBouncer(w, r, web.Status(err), user, err)
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
