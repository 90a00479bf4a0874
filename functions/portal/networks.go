package portal

import (
	"net/http"
	"strconv"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// networkView is a network as a row of the dashboard and of the list.
type networkView struct {
	bouncer.Upstream
	User string // what an IRC client gives as user name to reach this network

	at *bouncer.Admin // of the bouncer that the network is on
}

// StatusKind is the design's name for the network's state.
func (v networkView) StatusKind() string {
	switch v.State {
	case bouncer.Connected:
		return "ok"
	case bouncer.Connecting:
		return "busy"
	case bouncer.Disabled:
		return "off"
	default:
		return "bad"
	}
}

// StatusWord says the state in a word or two.
func (v networkView) StatusWord() string {
	switch v.State {
	case bouncer.Connected:
		return "Connected"
	case bouncer.Connecting:
		return "Connecting"
	case bouncer.Disabled:
		return "Switched off"
	default:
		return "Not connected, trying again"
	}
}

// Path is the prefix of the network's pages.
func (v networkView) Path() string { return "/networks/" + strconv.FormatInt(v.ID, 10) }

// Where is the server's address for people.
func (v networkView) Where() string {
	if v.Port == 0 {
		return v.Host
	}
	return v.Host + ":" + strconv.Itoa(v.Port)
}

// statesView is the live part of dashboard and list.
type statesView struct {
	Up       bool
	Own      bool // it is the user's own bouncer, not the shared one
	Pending  bool // there is an own one, and it is not ready
	Networks []networkView
}

func statesOf(user account.User, state bouncerState) statesView {
	view := statesView{Up: state.Up(), Own: state.Own(), Pending: state.Pending}
	for _, network := range state.Networks {
		view.Networks = append(view.Networks, networkView{network, string(user.Handle) + "/" + network.Name, state.admin})
	}
	return view
}

// networksPage is the list.
type networksPage struct {
	statesView
	Plan    planView
	MayAdd  bool
	Over    *overView
	Pricing string
}

func (p *portal) showNetworks(w http.ResponseWriter, r *http.Request, user account.User) error {
	state := p.bouncers.State(r.Context(), user)
	billing, err := p.accounts.BillingOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "networks", "Networks", user, networksPage{
		statesView: statesOf(user, state), Plan: planOf(user), MayAdd: mayAdd(user, state),
		Over:    overOf(user, billing, state),
		Pricing: p.plansPage(),
	})
}

// showNetworkStates is the live part alone, for the script that refreshes it.
func (p *portal) showNetworkStates(w http.ResponseWriter, r *http.Request, user account.User) error {
	return p.pages.Fragment(w, http.StatusOK, "networks", "states", statesOf(user, p.bouncers.State(r.Context(), user)))
}

// mayAdd reports whether the plan has room for one more network.
func mayAdd(user account.User, state bouncerState) bool {
	return account.Allows(user.Entitlements().UpstreamNetworks, len(state.Networks))
}

// network finds the user's own network with the id in the path. Another user's is as little there as one that does
// not exist.
func (p *portal) network(r *http.Request, user account.User) (networkView, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return networkView{}, web.NotFound
	}
	state := p.bouncers.Fresh(r.Context(), user)
	if !state.Up() {
		return networkView{}, state.Err
	}
	for _, view := range statesOf(user, state).Networks {
		if view.ID == id {
			return view, nil
		}
	}
	return networkView{}, fault.New(fault.NotFound, "You have no such network. It may have been removed in the meantime.")
}

func (p *portal) confirmRemoveNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	network, err := p.network(r, user)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "network-remove", "Remove "+network.Name, user, network)
}

func (p *portal) removeNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	network, err := p.network(r, user)
	if err != nil {
		return err
	}
	defer p.bouncers.Forget(user)
	err = network.at.DeleteUpstream(r.Context(), string(user.Handle), network.Name)
	if err != nil && !fault.Is(err, fault.NotFound) { // removed already is what was wanted
		return err
	}
	return p.done(w, r, "/networks", "%s is removed.", network.Name)
}

func (p *portal) connectNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	return p.switchNetwork(w, r, user, true)
}

func (p *portal) disconnectNetwork(w http.ResponseWriter, r *http.Request, user account.User) error {
	return p.switchNetwork(w, r, user, false)
}

func (p *portal) switchNetwork(w http.ResponseWriter, r *http.Request, user account.User, on bool) error {
	network, err := p.network(r, user)
	if err != nil {
		return err
	}
	defer p.bouncers.Forget(user)
	err = network.at.SetEnabled(r.Context(), string(user.Handle), network.Name, on)
	switch {
	case fault.Is(err, fault.OverQuota):
		return p.renderOverQuota(w, r, user, err)
	case err != nil:
		return err
	case on:
		return p.done(w, r, "/networks", "Your bouncer connects to %s now.", network.Name)
	default:
		return p.done(w, r, "/networks", "Your bouncer leaves %s and stays away until you connect it again.", network.Name)
	}
}

// overQuotaPage says that the plan has no room, and what can be done.
type overQuotaPage struct {
	Plan    planView
	Reason  string // the bouncer's own, where it was the bouncer that refused
	Pricing string
}

// renderOverQuota refuses one more network. refusal is the bouncer's own error, nil where the plan alone decided.
func (p *portal) renderOverQuota(w http.ResponseWriter, r *http.Request, user account.User, refusal error) error {
	body := overQuotaPage{Plan: planOf(user), Pricing: p.plansPage()}
	if refusal != nil {
		body.Reason = fault.Sentence(refusal)
	}
	return p.render(w, r, http.StatusForbidden, "network-limit", "No room for another network", user, body)
}
