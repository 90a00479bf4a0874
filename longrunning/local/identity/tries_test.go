package identity_test

import (
	"net/http"
	"testing"
)

// Who guesses somebody's password must not keep them out where they have signed in before.
func TestAGuesserKeepsNobodyOutOfTheirOwnBrowser(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	owner, guesser := w.browser(), w.browser()
	owner.signUp(f, "ada@example.org")
	owner.submit(owner.get(w.server.URL + "/sign-out"))
	form := guesser.get(f.url())
	for range 200 { // both what one account and what one address may
		guesser.submit(form, "email", "ada@example.org", "password", "wrong password")
	}
	if got := guesser.submit(form, "email", "ada@example.org", "password", password); got.status != http.StatusTooManyRequests {
		t.Errorf("the guesser is answered %d", got.status)
	}
	owner.codeAt(owner.submit(owner.get(f.url()), "email", "ada@example.org", "password", password), f)

	stranger := w.browser()
	stranger.signUp(f, "eve@example.org")
	stranger.submit(stranger.get(w.server.URL + "/sign-out"))
	if got := stranger.submit(stranger.get(f.url()), "email", "ada@example.org", "password", password); got.status != http.StatusTooManyRequests {
		t.Errorf("the mark of another account's browser opens the way: %d", got.status)
	}
}

func TestAKnownBrowserMayNotGuessEither(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	b.signUp(f, "ada@example.org")
	form := b.get(f.url("prompt", "login"))
	for range 10 {
		b.submit(form, "email", "ada@example.org", "password", "wrong password")
	}
	if got := b.submit(form, "email", "ada@example.org", "password", password); got.status != http.StatusTooManyRequests {
		t.Errorf("the eleventh try is answered %d", got.status)
	}
}

func TestSignInsThatWorkUseNothingUp(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	w.browser().signUp(f, "ada@example.org")
	for n := range 25 { // from one address, each in a browser of its own
		b := w.browser()
		if got := b.submit(b.get(f.url()), "email", "ada@example.org", "password", password); got.status != http.StatusFound {
			t.Fatalf("sign-in %d is answered %d", n, got.status)
		}
	}
}
