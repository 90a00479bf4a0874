package bounceradmin_test

import (
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
)

// A client counts once soju has let it in, not when it tries.
func TestAClientIsSeenOnceSojuHasLetItIn(t *testing.T) {
	w := newWorld(t)
	seen := func() time.Time {
		t.Helper()
		at, err := w.admin.ClientSeen(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := seen(); !at.IsZero() {
		t.Errorf("a user that is not there was seen at %s", at)
	}
	w.user("ada", 1)
	if got := serverstest.Dial(t, w.soju.Address).Authenticate("ada", "Ada", password); got.Command == "001" {
		t.Error("a user name in capitals lets somebody in")
	}
	if at := seen(); !at.IsZero() {
		t.Errorf("a client that was not let in was seen at %s", at)
	}
	before := time.Now()
	client := serverstest.SignIn(t, w.soju.Address, "ada", "ada", password)
	client.Send("PING written") // soju writes it after the welcome
	client.Expect("PONG", "written")
	if at := seen(); at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("a client that came in at %s was seen at %s", before, at)
	}
}
