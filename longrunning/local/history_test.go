package local_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/ergochat/irc-go/ircmsg"

	"irc.now/longrunning/local/servers/serverstest"
)

// said is what somebody who comes new reads of the channel.
func said(t *testing.T, address, nick string) []string {
	t.Helper()
	c := serverstest.Register(t, address, nick, "batch", "server-time", "message-tags", "draft/chathistory")
	c.Send("JOIN #lab", "CHATHISTORY LATEST #lab * 100", "PING :read")
	var lines []string
	c.Await(func(m ircmsg.Message) bool {
		if m.Command == "PRIVMSG" && m.Nick() != "HistServ" { // which tells who came and went
			lines = append(lines, m.Params[1])
		}
		return m.Command == "PONG"
	})
	return lines
}

func TestTheLocalNetworksHistorySurvives(t *testing.T) {
	if program := serverstest.ErgoProgram(t); !program.PostgreSQL {
		t.Fatalf("%s was built without PostgreSQL; without it on PATH, one is built that is not", program.Path)
	}
	dir := t.TempDir()
	platform, progress := start(t, dir)
	ada := serverstest.Register(t, platform.URLs().Network, "ada")
	ada.Send("JOIN #lab")
	ada.Expect("366", "#lab")
	ada.Send("PRIVMSG #lab :before", "PING :said")
	ada.Expect("PONG", "said")

	if err := syscall.Kill(children(t)["ergo"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	progress.wait(t, "The local IRC network (ergo) is back")
	if got := said(t, platform.URLs().Network, "bob"); !slices.Equal(got, []string{"before"}) {
		t.Errorf("after ergo was killed, it is %q", got)
	}
	if err := platform.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, _ := start(t, dir)
	if got := said(t, again.URLs().Network, "eve"); !slices.Equal(got, []string{"before"}) {
		t.Errorf("after the platform was stopped, it is %q", got)
	}
}
