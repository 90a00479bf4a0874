package identity

import (
	"net/http"
	"strings"

	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// form is the sign-in or sign-up form as it was sent, and what was wrong with it. The password never goes back.
type form struct {
	Request string // id of the authorization request; empty for somebody who came by themselves
	Client  string // the application's name; may be empty
	Email   string
	Problem string            // about the form as a whole
	Errors  map[string]string // by field
}

// Query carries the authorization request to the other form.
func (f form) Query() string {
	if f.Request == "" {
		return ""
	}
	return "?" + requestQuery(f.Request)
}

// render shows a page; what it shows is one person's business.
func (p *Provider) render(w http.ResponseWriter, status int, name, title string, body any) error {
	w.Header().Set("Cache-Control", "no-store")
	return p.pages.Render(w, status, name, design.Page{Title: title, NoIndex: true, Body: body})
}

func (p *Provider) showSignIn(w http.ResponseWriter, r *http.Request) error {
	return p.showForm(w, r, "sign-in", "Sign in")
}

// showForm shows one of the two forms, unless the browser's session will do already.
func (p *Provider) showForm(w http.ResponseWriter, r *http.Request, page, title string) error {
	r = p.browser(w, r)
	request, err := p.requestNamed(r, r.URL.Query().Get("request"))
	if err != nil {
		return err
	}
	current, err := p.currentSession(r)
	if err != nil {
		return err
	}
	if current != nil && (request == nil || request.accepts(current)) {
		return p.proceed(w, r, request, current)
	}
	return p.render(w, http.StatusOK, page, title, p.formFor(request, ""))
}

// requestNamed finds the authorization request a form names; nil where it names none.
func (p *Provider) requestNamed(r *http.Request, id string) (*authRequest, error) {
	if id == "" {
		return nil, nil
	}
	return p.requestOf(r.Context(), id)
}

func (p *Provider) formFor(request *authRequest, email string) form {
	if request == nil {
		return form{Email: email}
	}
	asking, _ := p.client(request.clientID)
	if email == "" {
		email = request.loginHint
	}
	return form{Request: request.id, Client: asking.Name, Email: email}
}

func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) error {
	r = p.browser(w, r)
	if err := web.Form(w, r, maxForm); err != nil {
		return err
	}
	request, err := p.requestNamed(r, r.PostForm.Get("request"))
	if err != nil {
		return err
	}
	email := r.PostForm.Get("email")
	who, err := p.trySignIn(r, email, r.PostForm.Get("password"))
	if err != nil {
		return p.again(w, "sign-in", "Sign in", p.formFor(request, foldEmail(email)), err)
	}
	return p.welcome(w, r, request, who)
}

// trySignIn is bounded before the password is looked at.
func (p *Provider) trySignIn(r *http.Request, email, password string) (person, error) {
	if len(email) > maxEmail {
		email = strings.ToValidUTF8(email[:maxEmail], "")
	}
	good, err := p.try(r, foldEmail(email))
	if err != nil {
		return person{}, err
	}
	who, err := p.authenticate(r.Context(), email, password)
	if !fault.Is(err, fault.Unauthenticated) { // a fault of ours is none of theirs
		good()
	}
	return who, err
}

// again shows a form with what was wrong, when that is the visitor's business.
func (p *Provider) again(w http.ResponseWriter, page, title string, f form, err error) error {
	switch fault.KindOf(err) {
	case fault.Internal, fault.Unavailable, fault.NotFound:
		return err
	default:
	}
	f.Errors = fault.FieldsOf(err)
	if len(f.Errors) == 0 {
		f.Problem = fault.Sentence(err)
	}
	status := web.Status(err)
	if fault.Is(err, fault.Unauthenticated) {
		status = http.StatusUnprocessableEntity // 401 is for HTTP authentication (RFC 9110 section 15.5.2)
	}
	return p.render(w, status, page, title, f)
}

// welcome starts a session for somebody who proved who they are, and leads them on.
func (p *Provider) welcome(w http.ResponseWriter, r *http.Request, request *authRequest, who person) error {
	before, err := p.currentSession(r)
	if err != nil {
		return err
	}
	finished := ""
	if request != nil && !p.asks(request) {
		finished = request.id
	}
	if err := p.renewBrowser(w, r, finished); err != nil {
		return err
	}
	started, err := p.startSession(r.Context(), w, before, who)
	if err != nil {
		return err
	}
	p.know(w, who.Email)
	return p.proceed(w, r, request, &started)
}

// proceed leads somebody with a session to where they wanted to go. A program on their own computer is let in only
// after they said so: anything there can pretend to be it.
func (p *Provider) proceed(w http.ResponseWriter, r *http.Request, request *authRequest, s *session) error {
	if request == nil {
		web.LocalRedirect(w, r, "/")
		return nil
	}
	if p.asks(request) {
		web.LocalRedirect(w, r, allowPath+"?"+requestQuery(request.id))
		return nil
	}
	return p.finish(w, r, request, s)
}

// asks reports whether the person is asked before the application of request is let in.
func (p *Provider) asks(request *authRequest) bool {
	asking, _ := p.client(request.clientID)
	return asking.Native
}
