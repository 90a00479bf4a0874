package bounceradmin_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/tests/eventually"
)

func (w *world) plain() string {
	return strings.TrimPrefix(w.net.Address().String(), "irc+insecure://")
}

// scripted is an IRC network that says what the test wants. Real ones do not misbehave on demand.
func scripted(t *testing.T, serve func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return listener.Addr().String()
}

// until reads lines up to one that begins with prefix.
func until(lines *bufio.Reader, prefix string) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil || strings.HasPrefix(line, prefix) {
			return
		}
	}
}

// foreign makes a network that the service itself would refuse, as BouncerServ lets users.
func (w *world) foreign(user, name, address string) {
	w.Helper()
	w.command("user", "run", user, "network", "create", "-addr", address, "-name", name)
}

func TestAWrongAccountPasswordIsNoPlainConnected(t *testing.T) {
	w := newWorld(t)
	account := serverstest.Register(t, w.plain(), "ada")
	account.Send("NS REGISTER s3cret-passw0rd")
	account.Expect("NOTICE", "ccount created")
	account.Send("QUIT")
	account.Closed()
	w.user("eve", 2)
	w.user("bob", 2)
	for user, password := range map[string]string{"eve": "wrong", "bob": "s3cret-passw0rd"} {
		spec := w.spec("TestNet")
		spec.SASLUsername, spec.SASLPassword = "ada", config.Secret(password)
		w.create(user, spec)
	}
	if n := w.await("eve", "TestNet", bouncer.Connected); n.SignIn != bouncer.SignInRefused {
		t.Errorf("with a wrong password: %+v", n)
	}
	if n := w.await("bob", "TestNet", bouncer.Connected); n.SignIn != bouncer.SignedIn {
		t.Errorf("with the right password: %+v", n)
	}
	w.user("carl", 1)
	w.create("carl", w.spec("TestNet"))
	if n := w.await("carl", "TestNet", bouncer.Connected); n.SignIn != "" {
		t.Errorf("without an account: %+v", n)
	}
}

func TestAChannelThatOneWasKickedFromIsAbsent(t *testing.T) {
	w := newWorld(t)
	op := serverstest.Register(t, w.plain(), "op")
	op.Send("JOIN #lab")
	op.Expect("366", "#lab")
	w.user("ada", 1)
	spec := w.spec("TestNet")
	spec.Channels = []string{"#lab", "#other"}
	w.create("ada", spec)
	op.Expect("JOIN", "#lab")
	w.awaitUntil("ada", "TestNet", "in both channels", func(n bouncer.Upstream) bool {
		return n.State == bouncer.Connected && len(n.Absent) == 0
	})
	op.Send("MODE #lab +b ada!*@*", "KICK #lab ada :out")
	n := w.awaitUntil("ada", "TestNet", "out of #lab", func(n bouncer.Upstream) bool { return slices.Equal(n.Absent, []string{"#lab"}) })
	if !slices.Contains(n.Channels, "#lab") {
		t.Errorf("the channel is forgotten: %+v", n)
	}
}

func TestWhyANetworkIsNotConnected(t *testing.T) {
	w := newWorld(t)
	w.user("ada", -1)
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	server := tlsNetwork(t, make(chan string, 8))
	closed := scripted(t, func(net.Conn, *bufio.Reader) {})
	says := func(line string) string {
		return scripted(t, func(conn net.Conn, lines *bufio.Reader) {
			until(lines, "USER")
			_, _ = io.WriteString(conn, line+"\r\n")
			until(lines, "never")
		})
	}
	for name, c := range map[string]struct {
		address string
		reason  bouncer.Reason
		said    string
	}{
		"nowhere": {"ircs://irc.nowhere.invalid:6697", bouncer.NoSuchHost, ""},
		"refused": {"irc+insecure://127.0.0.1:1", bouncer.PortClosed, ""},
		"plain":   {"ircs://" + w.plain(), bouncer.NotTLS, ""},
		"web":     {"ircs://" + web.Listener.Addr().String(), bouncer.NotTLS, ""},
		"signed":  {"ircs://" + server.address, bouncer.BadCertificate, ""},
		"hungup":  {"irc+insecure://" + closed, bouncer.HungUp, ""},
		"banned":  {"irc+insecure://" + says("ERROR :Closing Link: \u202egnol oot\u202c no such host x509: (Banned)"), bouncer.SaidWhy, "Closing Link: gnol oot no such host x509: (Banned)"},
		"nick":    {"irc+insecure://" + says(":irc.test 432 * ada :Nickname is reserved"), bouncer.SaidWhy, "Nickname is reserved"},
	} {
		w.foreign("ada", name, c.address)
		n := w.awaitUntil("ada", name, string(c.reason), func(n bouncer.Upstream) bool { return n.State == bouncer.Disconnected })
		if n.Reason != c.reason || n.Error != c.said {
			t.Errorf("%s: %q, %q", name, n.Reason, n.Error)
		}
	}
	w.command("user", "run", "ada", "network", "update", "signed", "-certfp", strings.Repeat("0a", 32))
	w.awaitUntil("ada", "signed", "refused for its pin", func(n bouncer.Upstream) bool { return n.Reason == bouncer.WrongPin })
}

// flood is a network that has its bouncer join so many channels that it does nothing else for minutes.
func flood(conn net.Conn, lines *bufio.Reader) {
	until(lines, "USER")
	_, _ = io.WriteString(conn, ":irc.test 001 ada :Welcome\r\n:irc.test 422 ada :no MOTD\r\n")
	for i := range 300 {
		_, _ = fmt.Fprintf(conn, ":ada!u@h JOIN #c%d\r\n", i)
	}
	until(lines, "never")
}

func TestWhoIsFloodedCanLeave(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 2)
	var held sync.Map
	address := scripted(t, func(conn net.Conn, lines *bufio.Reader) {
		held.Store(conn, true)
		flood(conn, lines)
	})
	w.create("ada", w.spec("TestNet"))
	w.await("ada", "TestNet", bouncer.Connected)
	w.foreign("ada", "evil", "irc+insecure://"+address)
	w.awaitUntil("ada", "evil", "busy", func(n bouncer.Upstream) bool { return n.State == bouncer.Busy })

	began := time.Now()
	if n := w.network("ada", "TestNet"); n.State != bouncer.Busy || time.Since(began) > time.Second {
		t.Errorf("the list says %s after %s", n.State, time.Since(began))
	}
	began = time.Now()
	for range 2 {
		later, err := w.admin.DeleteUpstream(t.Context(), "ada", "evil")
		if err != nil || !later || time.Since(began) > 8*time.Second {
			t.Fatalf("later %v after %s: %v", later, time.Since(began), err)
		}
	}
	if n := w.network("ada", "evil"); n.State != bouncer.Removing {
		t.Errorf("the network is %s", n.State)
	}
	spec := w.spec("third")
	spec.Nick = "ada3"
	began = time.Now()
	err := w.admin.CreateUpstream(t.Context(), "ada", spec)
	wantKind(t, err, fault.Unavailable)
	if !strings.Contains(fault.Sentence(err), "busy") || time.Since(began) > 15*time.Second {
		t.Errorf("%q after %s", fault.Sentence(err), time.Since(began))
	}

	// The network lets go, so soju goes on with what waits.
	held.Range(func(conn, _ any) bool {
		_ = conn.(net.Conn).Close() //nolint:errcheck,forcetypeassert // nothing else is in it
		return true
	})
	eventually.Within(t, 30*time.Second, func(context.Context) error {
		var names []string
		for _, n := range w.networks("ada") {
			names = append(names, n.Name)
		}
		return eventually.True(slices.Equal(names, []string{"TestNet"}), "there are %q", names)
	})
	w.await("ada", "TestNet", bouncer.Connected)
}

func TestAClientCertificateIsMadeShownUsedAndDropped(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	seen := make(chan string, 8)
	server := tlsNetwork(t, seen)
	w.foreign("ada", "TestNet", "ircs://"+server.address)
	w.command("user", "run", "ada", "network", "update", "TestNet", "-certfp", server.fingerprint)
	if got := <-seen; got != "" {
		t.Errorf("a certificate that nobody made: %s", got)
	}
	if err := w.admin.MakeCertificate(t.Context(), "ada", "TestNet"); err != nil {
		t.Fatal(err)
	}
	n := w.network("ada", "TestNet")
	if n.Certificate == nil || len(n.Certificate.SHA256) != 64 || len(n.Certificate.SHA512) != 128 || len(n.Certificate.SHA1) != 40 || n.Pinned != server.fingerprint {
		t.Fatalf("network = %+v", n)
	}
	if _, err := w.admin.Reconnect(t.Context(), "ada", "TestNet"); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != n.Certificate.SHA256 {
		t.Errorf("soju shows %s, we say %s", got, n.Certificate.SHA256)
	}
	for range 2 {
		if err := w.admin.DropCertificate(t.Context(), "ada", "TestNet"); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.network("ada", "TestNet"); n.Certificate != nil {
		t.Errorf("network = %+v", n)
	}
	if got := <-seen; got != "" {
		t.Errorf("the certificate is still shown: %s", got)
	}
}

type tlsServer struct{ address, fingerprint string }

// tlsNetwork tells the fingerprint of the certificate that each client shows.
func tlsNetwork(t *testing.T, seen chan<- string) tlsServer {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	config := &tls.Config{Certificates: web.TLS.Certificates, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	address := scripted(t, func(conn net.Conn, _ *bufio.Reader) {
		secured := tls.Server(conn, config)
		if secured.HandshakeContext(t.Context()) != nil {
			return
		}
		shown := ""
		for _, certificate := range secured.ConnectionState().PeerCertificates {
			shown = sha256Of(certificate.Raw)
		}
		seen <- shown
		lines := bufio.NewReader(secured)
		until(lines, "USER")
		_, _ = io.WriteString(secured, ":irc.test 001 ada :Welcome\r\n")
		until(lines, "never")
	})
	return tlsServer{address, sha256Of(web.Certificate().Raw)}
}

func TestAChannelWithAKeyIsJoined(t *testing.T) {
	w := newWorld(t)
	op := serverstest.Register(t, w.plain(), "op")
	op.Send("JOIN #closed", "MODE #closed +k s3cret")
	op.Expect("MODE", "#closed")
	w.user("ada", 1)
	spec := w.spec("TestNet")
	spec.Channels = []string{"#closed"}
	spec.More = &bouncer.More{Keys: []string{"#closed s3cret"}, Commands: []string{`PRIVMSG op :"hi" \there`}, NoAutoAway: true}
	w.create("ada", spec)
	op.Expect("PRIVMSG", `"hi" \there`)
	op.Expect("JOIN", "#closed")
	n := w.awaitUntil("ada", "TestNet", "in the channel", func(n bouncer.Upstream) bool { return n.State == bouncer.Connected && len(n.Absent) == 0 })
	if n.Commands != 1 || !slices.Equal(n.Keyed, []string{"#closed"}) || !n.NoAutoAway {
		t.Errorf("network = %+v", n)
	}
	spec.More = &bouncer.More{KeepKeys: true}
	if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", spec); err != nil {
		t.Fatal(err)
	}
	if n := w.network("ada", "TestNet"); n.Commands != 0 || !slices.Equal(n.Keyed, []string{"#closed"}) || n.NoAutoAway {
		t.Errorf("network = %+v", n)
	}
	spec.More = nil // as a portal of the last release sends it
	if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", spec); err != nil {
		t.Fatal(err)
	}
	if n := w.network("ada", "TestNet"); !slices.Equal(n.Keyed, []string{"#closed"}) {
		t.Errorf("network = %+v", n)
	}
	spec.More = &bouncer.More{}
	if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", spec); err != nil {
		t.Fatal(err)
	}
	if n := w.network("ada", "TestNet"); len(n.Keyed) != 0 || n.Commands != 0 {
		t.Errorf("network = %+v", n)
	}
}

func TestTheSameWishTwiceIsTheSameSuccess(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	spec := w.spec("TestNet")
	spec.Nick, spec.RealName, spec.Channels = "ada", "Ada L.", []string{"#lab"}
	spec.SASLUsername, spec.SASLPassword, spec.ServerPassword = "ada", "s3cret", "gate"
	failures := make(chan error, 4)
	for range cap(failures) {
		go func() { failures <- w.admin.CreateUpstream(t.Context(), "ada", spec) }()
	}
	for range cap(failures) {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	if got := w.networks("ada"); len(got) != 1 {
		t.Errorf("networks = %+v", got)
	}
	other := spec
	other.SASLPassword = "another"
	wantKind(t, w.admin.CreateUpstream(t.Context(), "ada", other), fault.Conflict)

	renamed := spec
	renamed.Name = "renamed"
	for range 2 {
		if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", renamed); err != nil {
			t.Error(err)
		}
	}
	wantKind(t, w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", spec), fault.NotFound)
}

func TestNetworksAreBoundedWhereSojuBoundsThemNot(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	for i := range 100 {
		w.command("user", "run", "ada", "network", "create", "-addr", fmt.Sprintf("ircs://n%d.invalid", i), "-name", fmt.Sprintf("n%d", i), "-enabled", "false")
	}
	wantKind(t, w.admin.CreateUpstream(t.Context(), "ada", w.spec("TestNet")), fault.Conflict)
	if _, err := w.admin.DeleteUpstream(t.Context(), "ada", "n0"); err != nil {
		t.Fatal(err)
	}
	w.create("ada", w.spec("TestNet")) // those that are switched off take no place of the plan's
	w.await("ada", "TestNet", bouncer.Connected)
}

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// soju goes through the channels of a network beside everything else once it has connected, and a channel that is added then
// ends it for everybody. So nothing follows the update that has it connect anew.
func TestChannelsAreChangedBeforeSojuConnectsAnew(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	w := newWorldBehind(t, func(socket string) string {
		return relay(t, socket, func(line string) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, line)
		})
	})
	w.user("ada", 1)
	spec := w.spec("TestNet")
	spec.Channels = []string{"#one"}
	w.create("ada", spec)
	mu.Lock()
	sent = nil
	mu.Unlock()
	spec.Name, spec.Nick, spec.Channels = "renamed", "ada2", []string{"#two", "#three"}
	if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", spec); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	commands := slices.Clone(sent)
	mu.Unlock()
	for i, line := range commands {
		if strings.Contains(line, `"update"`) && i != len(commands)-1 {
			t.Errorf("after the update comes %q", commands[i+1:])
		}
	}
	if len(commands) != 4 {
		t.Errorf("sent %q", commands)
	}
	if n := w.network("ada", "renamed"); !slices.Equal(n.Channels, []string{"#three", "#two"}) {
		t.Errorf("network = %+v", n)
	}
}

// relay passes on what is sent to soju's socket, and tells of each command.
func relay(t *testing.T, socket string, tell func(line string)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &saboteur{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				line, err := bufio.NewReader(conn).ReadString('\n')
				if err != nil {
					return
				}
				tell(line)
				s.pass(conn, socket, line)
			}()
		}
	}()
	return path
}
