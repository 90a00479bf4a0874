// Package user tells what a user of irc.now does, page by page: signing up, picking a handle, making passwords, adding
// networks, paying. Tests of every installation, on one machine or on a cluster, tell their stories with it.
package user

import (
	"cmp"
	"context"
	"net/http"
	"testing"
	"time"

	"irc.now/tests/eventually"
	"irc.now/tests/webclient"
)

// Password is what everybody here signs in with at the identity provider.
const Password = "correct horse battery staple"

// Person is a user with a browser of their own.
type Person struct {
	T       testing.TB
	Browser *webclient.Browser
	Portal  string // the portal's address
	Email   string
	Handle  string
	// Patience is how long a promise of "soon" may take; [Patience] where zero.
	Patience time.Duration
}

// soon is for what the platform promises to do by itself.
func (p *Person) soon(check func() error) {
	p.T.Helper()
	eventually.Within(p.T, cmp.Or(p.Patience, Patience), func(context.Context) error { return check() })
}

// SignUp makes an account and ends at the handle picker.
func (p *Person) SignUp() *webclient.Page {
	p.T.Helper()
	page := p.Browser.Visit(p.Portal).Says(http.StatusOK, "Sign in").Follow("Create an account")
	page = page.Submit(`[name="password"]`, webclient.Fields{"email": p.Email, "password": Password})
	return page.Says(http.StatusOK, "Pick your handle")
}

// Join signs up and picks the handle.
func (p *Person) Join() {
	p.T.Helper()
	p.SignUp().Submit(`[name="handle"]`, webclient.Fields{"handle": p.Handle}).Says(http.StatusOK, "Dashboard")
}

// Visit opens a page of the portal.
func (p *Person) Visit(path string) *webclient.Page {
	p.T.Helper()
	return p.Browser.Visit(p.Portal + path)
}

// NewPassword makes a connection password.
func (p *Person) NewPassword(name string) string {
	p.T.Helper()
	page := p.Visit("/passwords").Submit(`[name="name"]`, webclient.Fields{"name": name})
	page.Says(http.StatusOK, "shown only here and only this once")
	secret, _ := page.Find("main input[readonly]").First().Attr("value")
	if len(secret) < 32 {
		p.T.Fatalf("the page shows no password but %q in:\n%s", secret, page.Words("main"))
	}
	return secret
}

// AwaitState reloads the networks until the page says word, as somebody without JavaScript does.
func (p *Person) AwaitState(word string) {
	p.T.Helper()
	p.soon(func() error {
		words := p.Visit("/networks").Words("main .status")
		return eventually.True(words == word, "the network's state stays %q, want %q", words, word)
	})
}

// Patience is how long a promise of "soon" may take on a busy machine.
const Patience = 30 * time.Second
