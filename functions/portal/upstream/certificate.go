package upstream

import (
	"net/http"

	"irc.now/functions/portal/page"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

// certificatePage is the bouncer's client certificate for an upstream, or the way to get one.
type certificatePage struct {
	found

	SignedIn bool // with it
}

func (a *Area) certificateRoutes(r *page.Router) {
	const path = "/networks/{id}/certificate"
	r.User("GET "+path, a.showCertificate)
	r.Change("POST "+path, a.makeCertificate)
	r.Change("POST "+path+"/use", a.useCertificate)
	r.Change("POST "+path+"/remove", a.dropCertificate)
}

// GET /networks/{id}/certificate shows the certificate, and how to have the network know it.
func (a *Area) showCertificate(w http.ResponseWriter, r *http.Request, user account.User) error {
	upstream, err := a.find(r, user)
	if err != nil {
		return err
	}
	return a.Pages.Render(w, r, user, page.View{
		Name: "network-certificate", Title: "Certificate for " + upstream.Title(),
		Body: certificatePage{upstream, upstream.Certificate != nil && upstream.SignIn == bouncer.SignedIn},
	})
}

// POST /networks/{id}/certificate makes one; the bouncer keeps the one that is there.
func (a *Area) makeCertificate(w http.ResponseWriter, r *http.Request, user account.User) error {
	upstream, err := a.find(r, user)
	if err != nil {
		return err
	}
	if !upstream.TLS {
		return a.Pages.Inform(w, r, upstream.Path()+"/edit", "Certificates are for encrypted connections only. Switch encryption on first.")
	}
	defer a.States.Forget(user)
	if err := upstream.on.MakeCertificate(r.Context(), string(user.Handle), upstream.Name); err != nil {
		return err
	}
	return a.Pages.Done(w, r, upstream.Path()+"/certificate", "The certificate is made. Now have the network know it.")
}

// POST /networks/{id}/certificate/use connects anew, with the certificate.
func (a *Area) useCertificate(w http.ResponseWriter, r *http.Request, user account.User) error {
	upstream, err := a.find(r, user)
	if err != nil {
		return err
	}
	defer a.States.Forget(user)
	if !upstream.Enabled {
		return a.switchUpstream(w, r, user, true)
	}
	later, err := upstream.on.Reconnect(r.Context(), string(user.Handle), upstream.Name)
	if err != nil {
		return err
	}
	return a.done(w, r, later, "Your bouncer connects to %s anew.", upstream.Title())
}

// POST /networks/{id}/certificate/remove forgets it. One that is gone is what was wanted.
func (a *Area) dropCertificate(w http.ResponseWriter, r *http.Request, user account.User) error {
	upstream, err := a.find(r, user)
	if err != nil {
		return err
	}
	defer a.States.Forget(user)
	if err := upstream.on.DropCertificate(r.Context(), string(user.Handle), upstream.Name); err != nil {
		return err
	}
	return a.Pages.Done(w, r, "/networks", "Your bouncer has forgotten the certificate for %s. It signs in to no account there until you give it one.", upstream.Title())
}
