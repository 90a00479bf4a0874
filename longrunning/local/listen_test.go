package local

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"irc.now/shared/fault"
)

func TestABusyPortIsNamedWithWhatToDo(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Logf("this machine has no %s", address)
			continue
		}
		defer taken.Close()
		port := addressOf(taken).Port
		_, _, err = new(Platform).claim(t.Context(), port, "the bouncer", "IRC_PORT")
		if !fault.Is(err, fault.Conflict) {
			t.Fatalf("%s: %v", address, err)
		}
		for _, want := range []string{strconv.Itoa(port), "the bouncer", "IRC_PORT=", "make run"} {
			if !strings.Contains(fault.Sentence(err), want) {
				t.Errorf("%q is not in %q", want, fault.Sentence(err))
			}
		}
	}
}

func TestPortsAreOpenedOnLoopbackOnly(t *testing.T) {
	listeners, port, err := listen(t.Context(), 0, "the web sites", "HTTP_PORT")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = closeAll(listeners) }()
	for _, l := range listeners {
		address := addressOf(l)
		if !address.IP.IsLoopback() || address.Port != port {
			t.Errorf("listens on %s", address)
		}
	}
}

func TestSettingsReportEveryBadPort(t *testing.T) {
	_, err := FromEnvironment(map[string]string{"HTTP_PORT": "70000", "IRC_PORT": "-1", "NETWORK_PORT": "6667"})
	if err == nil || !strings.Contains(err.Error(), "HTTP_PORT") || !strings.Contains(err.Error(), "IRC_PORT") {
		t.Fatal(err)
	}
	if _, err := FromEnvironment(map[string]string{"IRC_PORT": "7000", "NETWORK_PORT": "7000"}); err == nil || !strings.Contains(err.Error(), "differ") {
		t.Fatal(err)
	}
	c, err := FromEnvironment(map[string]string{})
	if err != nil || c.HTTPPort != 8080 || c.IRCPort != 6667 || c.NetworkPort != 6668 || c.Dir != ".local" {
		t.Fatalf("%+v %v", c, err)
	}
}
