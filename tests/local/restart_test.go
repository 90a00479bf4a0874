package local_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircmsg"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/tests/eventually"
)

// child is the process id of one of the platform's children, by any of its names; 0 while there is none.
func child(t *testing.T, names ...string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "pid=,comm=", "--ppid", strconv.Itoa(os.Getpid())).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var pid int
		var name string
		if _, err := fmt.Sscan(line, &pid, &name); err == nil {
			for _, want := range names {
				if name == want {
					return pid
				}
			}
		}
	}
	return 0
}

// soju waits for a minute or two after a network went away; who has started it again tells soju.
func TestARestartedNetworkHasItsBouncersBackAtOnce(t *testing.T) {
	p := newcomer(t)
	p.joinLocalNetwork("#restart")
	network := child(t, "ergo", "ergochat")
	if network == 0 {
		t.Fatal("the platform has no network")
	}
	if err := syscall.Kill(network, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	eventually.Within(t, 30*time.Second, func(ctx context.Context) error {
		if now := child(t, "ergo", "ergochat"); now == 0 || now == network {
			return errors.New("the network has not been started again")
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", site.Network)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	reader := serverstest.Register(t, site.Network, "reader")
	eventually.Within(t, 30*time.Second, func(context.Context) error {
		reader.Send("WHOIS " + p.handle)
		found := reader.Await(func(m ircmsg.Message) bool { return m.Command == "311" || m.Command == "401" })
		return eventually.True(found.Command == "311", "%s is not on the network", p.handle)
	})
	t.Logf("on the network again %s after the network was killed", time.Since(killed).Round(100*time.Millisecond))
}
