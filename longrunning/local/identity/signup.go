package identity

import (
	"net/http"
	"strings"

	"irc.now/shared/fault"
	"irc.now/shared/web"
)

func (p *Provider) showSignUp(w http.ResponseWriter, r *http.Request) error {
	return p.showForm(w, r, "sign-up", "Create an account")
}

func (p *Provider) signUp(w http.ResponseWriter, r *http.Request) error {
	r = p.browser(w, r)
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	request, err := p.requestNamed(r, r.PostForm.Get("request"))
	if err != nil {
		return err
	}
	who, err := p.trySignUp(r)
	if err != nil {
		return p.again(w, "sign-up", "Create an account", p.formFor(request, strings.TrimSpace(r.PostForm.Get("email"))), err)
	}
	return p.welcome(w, r, request, who)
}

func (p *Provider) trySignUp(r *http.Request) (person, error) {
	password := r.PostForm.Get("password")
	email, err := parseEmail(r.PostForm.Get("email"))
	var faults fault.Collector
	faults.Check("email", err)
	faults.Check("password", checkPassword(password))
	if err := faults.Err(); err != nil {
		return person{}, err
	}
	if !p.tries.signUps.Allow(addressOf(r)) {
		return person{}, manyFromAddress()
	}
	who, err := p.createUser(r.Context(), email, password)
	if fault.Is(err, fault.Conflict) {
		return person{}, fault.Field("email", "%s", fault.Sentence(err))
	}
	return who, err
}
