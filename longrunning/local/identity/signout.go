package identity

import (
	"net/http"

	"irc.now/shared/web"
)

// visitor is who a page is shown to.
type visitor struct {
	Email string // empty for somebody without a session
	Home  string
}

func (p *Provider) showHome(w http.ResponseWriter, r *http.Request) error {
	return p.showVisitor(w, r, "home", "Your sign-in")
}

func (p *Provider) showSignOut(w http.ResponseWriter, r *http.Request) error {
	return p.showVisitor(w, r, "sign-out", "Sign out")
}

func (p *Provider) showVisitor(w http.ResponseWriter, r *http.Request, page, title string) error {
	current, err := p.currentSession(r)
	if err != nil {
		return err
	}
	body := visitor{Home: p.config.HomeURL}
	if current != nil {
		body.Email = current.Email
	}
	return p.render(w, http.StatusOK, page, title, body)
}

func (p *Provider) signOut(w http.ResponseWriter, r *http.Request) error {
	current, err := p.currentSession(r)
	if err != nil {
		return err
	}
	if current != nil {
		if err := p.endSession(r.Context(), current.ID); err != nil {
			return err
		}
	}
	p.setCookie(w, sessionCookie, "", 0)
	web.LocalRedirect(w, r, signOutPath)
	return nil
}
