package local_test

import (
	"context"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircmsg"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/tests/eventually"
)

// soju says "AWAY *" for whoever has gone, and ergo shows that of those alone who are always on.
func TestOthersSeeWhoIsAwayBehindABouncer(t *testing.T) {
	ada := newcomer(t)
	ada.joinLocalNetwork("#away")
	hers := ada.connectTo(localUpstream, ada.newPassword("laptop"))
	other := serverstest.Register(t, site.Network, "w"+ada.handle)
	away := func() bool {
		other.Send("WHOIS " + ada.handle)
		seen := false
		other.Await(func(m ircmsg.Message) bool {
			seen = seen || m.Command == "301"
			return m.Command == "318"
		})
		return seen
	}
	seen := func(wanted bool, after string) {
		t.Helper()
		eventually.Within(t, 10*time.Second, func(context.Context) error {
			return eventually.True(away() == wanted, "others see her away: %t, after %s", !wanted, after)
		})
	}
	hers.Send("PRIVMSG NickServ :REGISTER a-password-of-the-network")
	hers.Expect("NOTICE", "Account created")
	hers.Send("PRIVMSG NickServ :SET always-on true")
	hers.Expect("NOTICE", "changed your account settings")
	for _, step := range []struct {
		line string
		away bool
	}{{"AWAY :gone fishing", true}, {"AWAY", false}, {"AWAY :again", true}, {"AWAY", false}} {
		hers.Send(step.line)
		seen(step.away, step.line)
	}
	hers.Send("QUIT")
	seen(true, "QUIT")
}
