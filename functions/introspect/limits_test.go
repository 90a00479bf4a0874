package introspect_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
)

// Nobody's address is known behind an ingress, or where everything is on one machine.
func TestStrangersKeepNobodyOut(t *testing.T) {
	w := newWorld(t)
	ada := w.user(t, "ada")
	known := "known-0123456789abcdefghij"
	w.idp.Accept(known, ada.Subject)
	w.wantActive(t, known, ada)
	signed := w.idp.Sign(t, map[string]any{"sub": ada.Subject, "exp": time.Now().Add(time.Hour).Unix()})
	w.idp.Accept(signed, ada.Subject)
	w.idp.Accept("unseen-0123456789abcdefghij", ada.Subject)
	forged := signed[:len(signed)-4] + "AAAA"
	for n := range 700 {
		for _, token := range []string{forged, fmt.Sprintf("guess-%d-0123456789abcdefghij", n)} {
			r := w.request(t, token)
			r.Header.Del("X-Forwarded-For")
			if response, body := send(t, r); response.StatusCode != http.StatusOK || body != inactive {
				t.Fatalf("try %d: %s %s", n, response.Status, body)
			}
		}
	}
	for _, token := range []string{known, signed, "unseen-0123456789abcdefghij"} {
		w.wantActive(t, token, ada)
	}
}

// Who shares an address with somebody who guesses gets in with what the provider signed, or with what has let them in.
func TestAGuesserAtTheSameAddressKeepsNobodyOut(t *testing.T) {
	w := newWorld(t)
	ada, _, secret := w.password(t, "ada")
	known := "known-0123456789abcdefghij"
	signed := w.idp.Sign(t, map[string]any{"sub": ada.Subject})
	w.idp.Accept(known, ada.Subject)
	w.idp.Accept(signed, ada.Subject)
	w.wantActive(t, known, ada)
	for n := range 200 {
		send(t, w.request(t, fmt.Sprintf("guess-%d-0123456789abcdefghij", n)))
		send(t, w.request(t, secret[:len(secret)-4]+"aaaa"))
	}
	for _, token := range []string{known, signed, secret} {
		w.wantActive(t, token, ada)
	}
}

func TestForgedTokensAndTypedPasswordsNeverReachTheProvider(t *testing.T) {
	w := newWorld(t)
	ada := w.user(t, "ada")
	signed := w.idp.Sign(t, map[string]any{"sub": ada.Subject})
	w.idp.Accept(signed, ada.Subject)
	w.wantActive(t, signed, ada)
	before := w.idp.Asked()
	for _, token := range []string{signed[:len(signed)-4] + "AAAA", "hunter2", "correct-horse", strings.Repeat("=", 40)} {
		w.wantInactive(t, token)
	}
	if asked := w.idp.Asked() - before; asked != 0 {
		t.Errorf("the provider was asked %d times", asked)
	}
}

// As an attacker without an account does it: connect, try a password, and again, while others sign in.
func TestTheRealSojuLetsTokensInWhileStrangersGuess(t *testing.T) {
	w := newWorld(t)
	ada := w.user(t, "ada")
	token := w.idp.Sign(t, map[string]any{"sub": ada.Subject})
	w.idp.Accept(token, ada.Subject)
	w.idp.Accept("opaque-0123456789abcdefghij", ada.Subject)
	origin, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	origin.User = url.UserPassword(clientName, clientSecret)
	soju := serverstest.Soju(t, func(c *bouncer.Config) { c.OAuthURL = config.Secret(origin.String()) })
	for n := range 520 {
		c := serverstest.Dial(t, soju.Address)
		if got := c.Authenticate("mallory", "mallory", fmt.Sprintf("guess-%d-0123456789abcdefghij", n)); got.Command == "001" {
			t.Fatal("a guess signs in")
		}
		c.Send("QUIT")
	}
	for _, token := range []string{token, "opaque-0123456789abcdefghij"} {
		c := serverstest.Dial(t, soju.Address)
		c.Send("CAP LS 302", "NICK ada", "USER ada 0 * :ada", "CAP REQ sasl", "AUTHENTICATE OAUTHBEARER")
		c.Expect("AUTHENTICATE", "+")
		c.Send("AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte("n,,\x01auth=Bearer "+token+"\x01\x01")))
		c.Expect("903", "")
	}
}

// What a sign-in gave before its owner signed out everywhere is good no longer, even where the provider knows it still.
func TestTokensOfBeforeASignOutEverywhereAreInactive(t *testing.T) {
	w := newWorld(t)
	ada := w.user(t, "ada")
	const before, after, silent = "before-0123456789abcdefghij", "after-0123456789abcdefghij", "silent-0123456789abcdefghij"
	answer := func(token string, at any) {
		w.idp.Answer(token, map[string]any{"active": true, "sub": ada.Subject, "auth_time": at})
	}
	answer(before, time.Now().Add(-time.Hour).Unix())
	w.idp.Accept(silent, ada.Subject)
	w.wantActive(t, before, ada)
	w.wantActive(t, silent, ada)
	if err := w.SignOutEverywhere(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	w.wantInactive(t, before)
	w.wantInactive(t, silent) // for nobody says how old it is
	answer(before, time.Now().Add(-time.Minute).Unix())
	w.wantInactive(t, before)
	answer(after, time.Now().Add(2*time.Second).Unix())
	ada, err := w.ByID(t.Context(), ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.wantActive(t, after, ada)
}
