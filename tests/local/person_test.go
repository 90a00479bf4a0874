package local_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/tests/user"
	"irc.now/tests/webclient"
)

// password is what everybody here signs in with at the identity provider.
const password = user.Password

var people atomic.Int64

// person is a user with a browser of their own.
type person struct {
	t       *testing.T
	browser *webclient.Browser
	email   string
	handle  string
}

// visitor is somebody with an e-mail address and no account yet.
func visitor(t *testing.T) *person {
	n := people.Add(1)
	return &person{
		t: t, browser: webclient.New(t),
		email:  fmt.Sprintf("person%d@example.org", n),
		handle: fmt.Sprintf("person%d", n),
	}
}

// user is the same person to the stories that all installations have in common.
func (p *person) user() *user.Person {
	return &user.Person{T: p.t, Browser: p.browser, Portal: site.Portal, Email: p.email, Handle: p.handle}
}

// signUp makes an account and ends at the handle picker.
func (p *person) signUp() *webclient.Page {
	p.t.Helper()
	return p.user().SignUp()
}

// newcomer has an account and a handle.
func newcomer(t *testing.T) *person {
	t.Helper()
	p := visitor(t)
	p.user().Join()
	return p
}

// visit opens a page of the portal.
func (p *person) visit(path string) *webclient.Page {
	p.t.Helper()
	return p.browser.Visit(site.Portal + path)
}

// newPassword makes a connection password.
func (p *person) newPassword(name string) string {
	p.t.Helper()
	return p.user().NewPassword(name)
}

// localNetwork is what the picker calls the network that runs beside the platform.
const localNetwork = "irc.now local"

// localUpstream is what it is called on a bouncer.
const localUpstream = "irc-now-local"

// joinLocalNetwork puts the person's bouncer on the local network and waits until it is there.
func (p *person) joinLocalNetwork(channels string) {
	p.t.Helper()
	page := p.visit("/networks/new").Says(http.StatusOK, localNetwork)
	page = p.browser.Visit(site.Portal + page.Find(`main a[href^="/networks/new?from="]`).First().AttrOr("href", ""))
	page.Submit(`[name="nick"]`, webclient.Fields{"channels": channels}).Says(http.StatusOK, "Networks")
	p.awaitState("Connected")
}

// awaitState reloads the networks until the page says word, as somebody without JavaScript does.
func (p *person) awaitState(word string) {
	p.t.Helper()
	p.user().AwaitState(word)
}

// connect signs an IRC client in through SASL PLAIN.
func (p *person) connect(password string, caps ...string) *serverstest.Client {
	p.t.Helper()
	return serverstest.SignIn(p.t, site.IRC, p.handle, p.handle, password, caps...)
}

// patience is how long a promise of "soon" may take on a busy machine.
const patience = user.Patience
