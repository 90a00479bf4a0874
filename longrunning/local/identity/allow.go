package identity

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// consent is what the page asks before a program on somebody's own computer is let in.
type consent struct{ Request, Client, Email string }

func (p *Provider) showAllow(w http.ResponseWriter, r *http.Request) error {
	r = p.browser(w, r)
	request, current, err := p.consenting(w, r, r.URL.Query().Get("request"))
	if err != nil || request == nil {
		return err
	}
	asking, _ := p.client(request.clientID)
	return p.render(w, http.StatusOK, "allow", "Let "+asking.Name+" in?", consent{request.id, asking.Name, current.Email})
}

func (p *Provider) allow(w http.ResponseWriter, r *http.Request) error {
	r = p.browser(w, r)
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	request, current, err := p.consenting(w, r, r.PostForm.Get("request"))
	if err != nil || request == nil {
		return err
	}
	if r.PostForm.Get("answer") != "allow" {
		return p.leave(w, request, func(w http.ResponseWriter) error {
			op.AuthRequestError(w, r, request, oidc.ErrAccessDenied(), p.op)
			return nil
		})
	}
	return p.leave(w, request, func(w http.ResponseWriter) error { return p.finish(w, r, request, current) })
}

// leave sends the browser where answer redirects it to. A form's answer may redirect only to where the pages' policy names,
// which cannot be an IPv6 address: there a page leads on, which no policy holds back.
func (p *Provider) leave(w http.ResponseWriter, request *authRequest, answer func(http.ResponseWriter) error) error {
	if web.Nameable(request.redirectURI) {
		return answer(w)
	}
	kept := &keptAnswer{header: http.Header{}}
	if err := answer(kept); err != nil {
		return err
	}
	target := kept.header.Get("Location")
	if target == "" {
		return fault.New(fault.Invalid, "The application that sent you here cannot be answered. Go back and try again.")
	}
	w.Header().Set("Refresh", "0; url="+target)
	asking, _ := p.client(request.clientID)
	return p.render(w, http.StatusOK, "leave", "Go on to "+asking.Name, departure{asking.Name, target})
}

// departure is where somebody goes on to.
type departure struct{ Client, Target string }

// consenting finds what is asked for and who is asked. It answers by itself, with a nil request, when they have to
// sign in first.
func (p *Provider) consenting(w http.ResponseWriter, r *http.Request, id string) (*authRequest, *session, error) {
	request, err := p.requestOf(r.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	current, err := p.currentSession(r)
	if err != nil {
		return nil, nil, err
	}
	if !request.accepts(current) {
		web.LocalRedirect(w, r, signInPath+"?"+requestQuery(request.id))
		return nil, nil, nil
	}
	return request, current, nil
}
