package upstream

import (
	"errors"
	"net/http"
	"strconv"

	"irc.now/functions/portal/page"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// pickPage lists what can be added, ours first.
type pickPage struct{ Ours, WellKnown []bouncer.KnownUpstream }

// GET /networks/new shows what can be added, and with a query "from" the form for what was picked.
func (a *Area) showNew(w http.ResponseWriter, r *http.Request, user account.User) error {
	b := a.States.Fresh(r.Context(), user)
	if !b.Up() {
		return b.Err
	}
	if !b.HasRoom(user) {
		return a.renderLimit(w, r, user, nil)
	}
	from := r.URL.Query().Get("from")
	known := a.known(func(k bouncer.KnownUpstream) bool { return k.Name == from })
	switch {
	case known != nil:
		f := form{Name: known.Slug(), Host: known.Host, Port: strconv.Itoa(known.Port), TLS: known.TLS, Nick: string(user.Handle)}
		return a.renderNew(w, r, user, http.StatusOK, f, nil)
	case from == "custom":
		return a.renderNew(w, r, user, http.StatusOK, form{Port: "6697", TLS: true, Nick: string(user.Handle)}, nil)
	default:
		return a.Pages.Render(w, r, user, page.View{Name: "network-pick", Title: "Add a network", Body: pickPage{a.Ours, bouncer.WellKnown}})
	}
}

// known finds the first offered upstream that is wanted; nil where there is none.
func (a *Area) known(wanted func(bouncer.KnownUpstream) bool) *bouncer.KnownUpstream {
	for _, offered := range [][]bouncer.KnownUpstream{a.Ours, bouncer.WellKnown} {
		for _, known := range offered {
			if wanted(known) {
				return &known
			}
		}
	}
	return nil
}

// POST /networks has the bouncer connect to a new upstream.
func (a *Area) createUpstream(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := page.Form(w, r); err != nil {
		return err
	}
	f := formOf(r.PostForm)
	spec := f.spec(nil)
	if err := a.check(f, spec, nil); err != nil {
		return a.renderNew(w, r, user, web.Status(err), f, err)
	}
	b := a.States.Fresh(r.Context(), user)
	if !b.Up() {
		return a.renderNew(w, r, user, web.Status(b.Err), f, b.Err)
	}
	if !b.HasRoom(user) && !b.Has(spec) { // the form may have been sent twice
		return a.renderLimit(w, r, user, nil)
	}
	defer a.States.Forget(user)
	err := b.Admin.CreateUpstream(r.Context(), string(user.Handle), spec)
	switch {
	case err == nil:
		return a.Pages.Done(w, r, "/networks", "%s is added. Your bouncer connects to it now.", spec.Name)
	case fault.Is(err, fault.OverQuota):
		return a.renderLimit(w, r, user, err)
	case showable(err):
		return a.renderNew(w, r, user, web.Status(err), f, err)
	default:
		return err
	}
}

// GET /networks/{id}/edit shows the form with the upstream as it is, its secrets excepted.
func (a *Area) editUpstream(w http.ResponseWriter, r *http.Request, user account.User) error {
	upstream, err := a.find(r, user)
	if err != nil {
		return err
	}
	return a.renderEdit(w, r, user, http.StatusOK, upstream, formFor(upstream.Upstream.Upstream), nil)
}

// POST /networks/{id} has the bouncer take the upstream as it is in the form.
func (a *Area) updateUpstream(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := page.Form(w, r); err != nil {
		return err
	}
	upstream, err := a.find(r, user)
	if err != nil {
		return err
	}
	f, before := formOf(r.PostForm), upstream.Upstream.Upstream
	spec := f.spec(&before)
	if err := a.check(f, spec, &before); err != nil {
		return a.renderEdit(w, r, user, web.Status(err), upstream, f, err)
	}
	defer a.States.Forget(user)
	err = upstream.on.UpdateUpstream(r.Context(), string(user.Handle), upstream.Name, spec)
	switch {
	case err == nil:
		return a.Pages.Done(w, r, "/networks", "%s is saved.", spec.Name)
	case fault.Is(err, fault.OverQuota):
		return a.renderLimit(w, r, user, err)
	case showable(err):
		return a.renderEdit(w, r, user, web.Status(err), upstream, f, err)
	default:
		return err
	}
}

// moved explains a missing password by the change of server that made it missing.
func moved(err error, before bouncer.Upstream, spec bouncer.UpstreamSpec) error {
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok || spec.Address() == before.Address() || before.SASLUsername == "" || spec.SASLPassword != "" || refused.Fields["sasl_password"] == "" {
		return err
	}
	refused.Fields["sasl_password"] = "The server has changed, so please type the account's password again. We do not send it to a new server by ourselves."
	return err
}

// showable reports whether the form can say what is wrong, so that nothing typed is lost.
func showable(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Unavailable:
		return true
	default:
		return false
	}
}

func (a *Area) renderNew(w http.ResponseWriter, r *http.Request, user account.User, status int, f form, problem error) error {
	body := f.page(nil, a.knownAt(f), problem)
	body.Heading, body.Action, body.Submit = "Add a network", "/networks", "Add and connect"
	if body.Known != nil {
		body.Heading = "Add " + body.Known.Name
	}
	return a.Pages.Render(w, r, user, page.View{Name: "network-form", Title: body.Heading, Status: status, Body: body})
}

func (a *Area) renderEdit(w http.ResponseWriter, r *http.Request, user account.User, status int, upstream found, f form, problem error) error {
	body := f.page(&upstream.Upstream.Upstream, a.knownAt(f), problem)
	body.Heading, body.Action, body.Submit = "Edit "+upstream.Title(), upstream.Path(), "Save"
	body.Remove, body.Certificate = upstream.Path()+"/remove", upstream.Path()+"/certificate"
	return a.Pages.Render(w, r, user, page.View{Name: "network-form", Title: body.Heading, Status: status, Body: body})
}

// knownAt is the offered upstream at the form's address; nil where there is none.
func (a *Area) knownAt(f form) *bouncer.KnownUpstream {
	address := f.spec(nil).Address()
	return a.known(func(k bouncer.KnownUpstream) bool { return k.Address() == address })
}
