package portal

import (
	"html/template"
	"net/http"

	"irc.now/shared/account"
)

// dashboardPage is everything at a glance.
type dashboardPage struct {
	Handle    account.Handle
	Up        bool
	Steps     steps
	Panels    template.HTML
	Passwords passwordSummary
}

// dashboardPanels is the part of it that is rendered once for each answer of the bouncer.
type dashboardPanels struct {
	statesView
	Cluster bool // users can have a bouncer of their own
	Plan    planView
	MayAdd  bool
	Pricing string
	Access  access
}

// passwordSummary counts the connection passwords that work.
type passwordSummary struct {
	Live int
	Last *account.ConnectionPassword // the one used last; nil when none was used yet
}

// steps are what a new user does, in order; the first that is not done is next.
type steps struct{ Network, Password, Client bool }

// Done reports whether there is nothing left to lead to.
func (s steps) Done() bool { return s.Network && s.Password && s.Client }

func (p *portal) showDashboard(w http.ResponseWriter, r *http.Request, user account.User) error {
	passwords, err := p.accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return err
	}
	state := p.bouncers.State(r.Context(), user)
	live, err := state.panels.get(func() (template.HTML, error) { return p.dashboardPanels(user, state) })
	if err != nil {
		return err
	}
	summary := summaryOf(passwords)
	return p.render(w, r, http.StatusOK, "dashboard", "Dashboard", user, dashboardPage{
		Handle: user.Handle, Up: state.Up(), Panels: live, Passwords: summary,
		// While the bouncer is away nobody can tell, and nobody should be sent to add what may be there.
		Steps: steps{Network: !state.Up() || len(state.Networks) > 0, Password: summary.Live > 0, Client: summary.Last != nil},
	})
}

func (p *portal) dashboardPanels(user account.User, state bouncerState) (template.HTML, error) {
	return p.pages.HTML("dashboard", "panels", dashboardPanels{
		statesView: statesOf(user, state), Cluster: p.own != nil, Plan: planOf(user), MayAdd: mayAdd(user, state),
		Pricing: p.plansPage(), Access: p.accessOf(user, state, networkNamed(state, "")),
	})
}

func summaryOf(passwords []account.ConnectionPassword) passwordSummary {
	var summary passwordSummary
	for _, password := range passwords {
		if password.RevokedAt != nil {
			continue
		}
		summary.Live++
		used := password.LastUsedAt
		if used != nil && (summary.Last == nil || used.After(*summary.Last.LastUsedAt)) {
			summary.Last = &password
		}
	}
	return summary
}
