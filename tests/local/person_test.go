package local_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"irc.now/shared/servers/serverstest"
	"irc.now/tests/webclient"
)

// password is what everybody here signs in with at the identity provider.
const password = "correct horse battery staple"

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

// signUp makes an account and ends at the handle picker.
func (p *person) signUp() *webclient.Page {
	p.t.Helper()
	page := p.browser.Visit(site.Portal).Says(http.StatusOK, "Sign in").Follow("Create an account")
	page = page.Submit(`[name="password"]`, webclient.Fields{"email": p.email, "password": password})
	return page.Says(http.StatusOK, "Pick your handle")
}

// newcomer has an account and a handle.
func newcomer(t *testing.T) *person {
	t.Helper()
	p := visitor(t)
	p.signUp().Submit(`[name="handle"]`, webclient.Fields{"handle": p.handle}).Says(http.StatusOK, "Dashboard")
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
	page := p.visit("/passwords").Submit(`[name="name"]`, webclient.Fields{"name": name})
	page.Says(http.StatusOK, "shown only here and only this once")
	secret, _ := page.Find("main input[readonly]").First().Attr("value")
	if len(secret) < 32 {
		p.t.Fatalf("the page shows no password but %q in:\n%s", secret, page.Words("main"))
	}
	return secret
}

// localNetwork is what the picker calls the network that runs beside the platform.
const localNetwork = "irc.now local"

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
	var words string
	eventually(p.t, func() bool {
		words = p.visit("/networks").Words("main .status")
		return words == word
	}, func() string { return fmt.Sprintf("the network's state stays %q, want %q", words, word) })
}

// connect signs an IRC client in through SASL PLAIN.
func (p *person) connect(password string, caps ...string) *serverstest.Client {
	p.t.Helper()
	return serverstest.SignIn(p.t, site.IRC, p.handle, p.handle, password, caps...)
}

// patience is how long a promise of "soon" may take on a busy machine.
const patience = 30 * time.Second

// eventually asks until is true. The servers tell nobody when they get there, so there is nothing to wait for but time.
func eventually(t *testing.T, is func() bool, complaint func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatal(complaint())
		}
		time.Sleep(100 * time.Millisecond)
	}
}
