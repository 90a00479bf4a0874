package front_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/front"
	"irc.now/longrunning/local/servers/serverstest"
)

// soju alone would answer this user nothing for (150 − 74) × 2 s.
func TestAPasteOf150LinesTakesNothingElseAway(t *testing.T) {
	w := newWorld(t, nil)
	network := serverstest.Ergo(t, nil)
	at := net.JoinHostPort(network.Host, strconv.Itoa(network.Port))
	w.command(t, "user", "run", "ada", "network", "create", "-name", "lab", "-addr", "irc+insecure://"+at, "-nick", "ada")
	address := serve(t, newFront(t, front.Config{Socket: w.socket}), nil)
	reader := serverstest.Register(t, at, "reader")
	reader.Send("JOIN #paste")
	reader.Expect("JOIN", "#paste")
	client := serverstest.SignIn(t, address, "ada", "ada/lab", "ada")
	client.Send("JOIN #paste")
	reader.Expect("JOIN", "#paste") // of ada
	var paste []string
	for i := range 150 {
		paste = append(paste, fmt.Sprintf("PRIVMSG #paste :line %d", i))
	}
	client.Send(paste...)
	started := time.Now()
	w.command(t, "user", "run", "ada", "network", "status")
	client.Send("PING :me")
	client.Expect("PONG", "me")
	other := serverstest.SignIn(t, address, "ada", "ada/lab", "ada")
	other.Send("PING :too")
	other.Expect("PONG", "too")
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("what the user has besides answered after %s", took)
	}
	for i := range 8 {
		if got := reader.Expect("PRIVMSG", "line"); got.Params[1] != fmt.Sprintf("line %d", i) {
			t.Fatalf("line %d is %q", i, strings.Join(got.Params, " "))
		}
	}
}
