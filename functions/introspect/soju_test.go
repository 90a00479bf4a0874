package introspect_test

import (
	"net/url"
	"testing"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
)

// The real soju finds the function by its metadata, shows its credentials as it escapes them, and lets in whom the
// function knows.
func TestTheRealSojuLetsInWhomWeKnow(t *testing.T) {
	w := newWorld(t)
	ada, password, secret := w.password(t, "ada")
	_, _, bobs := w.password(t, "bob")
	origin, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	origin.User = url.UserPassword(clientName, clientSecret)
	soju := serverstest.Soju(t, func(c *bouncer.Config) { c.OAuthURL = config.Secret(origin.String()) })
	signsIn := func(user, password string) bool {
		return serverstest.Dial(t, soju.Address).Authenticate(user, user, password).Command == "001"
	}
	if !signsIn("ada", secret) {
		t.Error("a connection password does not sign in")
	}
	if signsIn("ada", bobs) || signsIn("ada", secret+"x") || signsIn("bob", secret) {
		t.Error("a wrong password signs in")
	}
	if err := w.RevokePassword(t.Context(), ada.ID, password.ID); err != nil {
		t.Fatal(err)
	}
	if signsIn("ada", secret) {
		t.Error("a revoked password signs in")
	}
}
