package identity

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

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
		op.AuthRequestError(w, r, request, oidc.ErrAccessDenied(), p.op)
		return nil
	}
	return p.finish(w, r, request, current)
}

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
