package front_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"irc.now/longrunning/front"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/tests/eventually"
)

func TestClientsSignInOverTLSAndWithout(t *testing.T) {
	w := newWorld(t, nil)
	f := newFront(t, front.Config{Socket: w.socket, Announce: bouncer.TakesProxy(serverstest.SojuProgram(t).Version)})
	c, _ := certificate(t)
	secure := serverstest.DialTLS(t, serve(t, f, c.TLS()))
	if got := secure.Authenticate("ada", "ada", "ada"); got.Command != "001" {
		t.Errorf("over TLS: %v", got)
	}
	plain := serverstest.SignIn(t, serve(t, f, nil), "bob", "bob", "bob")
	plain.Send("PING :still here")
	plain.Expect("PONG", "still here")
}

// resident is how many bytes of memory a process has.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("this system does not tell what memory a process has: ", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

func TestALineWithoutEndReachesNobody(t *testing.T) {
	w := newWorld(t, nil)
	address := serve(t, newFront(t, front.Config{Socket: w.socket}), nil)
	before := resident(t, w.soju.PID())
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent, block := 0, bytes.Repeat([]byte("a"), 1<<20)
	for range 100 {
		n, err := conn.Write(block)
		sent += n
		if err != nil {
			break
		}
	}
	if sent > 20<<20 {
		t.Errorf("it took %d bytes of one line", sent)
	}
	if after := resident(t, w.soju.PID()); after > before+16<<20 {
		t.Errorf("soju grew from %d to %d MB", before>>20, after>>20)
	}
	serverstest.SignIn(t, address, "ada", "ada", "ada") // everybody else is served
}

func TestARenewedCertificateIsAnsweredWithAndNobodyDropped(t *testing.T) {
	w := newWorld(t, nil)
	c, folder := certificate(t)
	address := serve(t, newFront(t, front.Config{Socket: w.socket}), c.TLS())
	go c.Follow(t.Context(), 10*time.Millisecond)
	client := serverstest.DialTLS(t, address)
	client.Authenticate("ada", "ada", "ada")
	renewed := certify(t, folder, 2)
	eventually.Within(t, 20*time.Second, func(ctx context.Context) error {
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		defer conn.Close()
		secured, ok := conn.(*tls.Conn)
		return eventually.True(ok && bytes.Equal(secured.ConnectionState().PeerCertificates[0].Raw, renewed), "the old certificate is answered")
	})
	client.Send("PING :from before")
	client.Expect("PONG", "from before")
}

// listen plays soju: it gives each connection to the test.
func listen(t *testing.T) (socket string, connections chan net.Conn) {
	t.Helper()
	socket = t.TempDir() + "/soju"
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	connections = make(chan net.Conn, 64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections <- conn
		}
	}()
	return socket, connections
}

func TestTheIngresssWordForAnAddressIsPassedOn(t *testing.T) {
	socket, connections := listen(t)
	c, _ := certificate(t)
	trusting := front.Config{Socket: socket, Announce: true, ProxyFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	strict := trusting
	strict.ProxyFrom = nil
	told := &proxyproto.Header{
		Version: 2, Command: proxyproto.PROXY, TransportProtocol: proxyproto.TCPv4,
		SourceAddr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 4711}, DestinationAddr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 1), Port: 6697},
	}
	for name, try := range map[string]struct {
		config front.Config
		header bool
		want   string // the address that soju is told; "" for none, since the handshake fails
	}{
		"a header from the ingress": {trusting, true, "203.0.113.7:4711"},
		"no header from it":         {trusting, false, "127.0.0.1"},
		"a header from a stranger":  {strict, true, ""},
		"no header from a stranger": {strict, false, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", serve(t, newFront(t, try.config), c.TLS()))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if try.header {
				if _, err := told.WriteTo(conn); err != nil {
					t.Fatal(err)
				}
			}
			err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(t.Context())
			if try.want == "" {
				if err == nil {
					t.Error("the header was taken")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := proxyproto.NewConn(<-connections).RemoteAddr().String(); !strings.HasPrefix(got, try.want) {
				t.Errorf("soju is told %s", got)
			}
		})
	}
}

func TestPlainTextOnTheTLSPortEndsSoon(t *testing.T) {
	socket, _ := listen(t)
	c, _ := certificate(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", serve(t, newFront(t, front.Config{Socket: socket}), c.TLS()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "CAP LS 302\r\nNICK ada\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, conn); os.IsTimeout(err) {
		t.Error("the connection stays open")
	}
}

func TestABouncerThatIsAwayIsSaid(t *testing.T) {
	address := serve(t, newFront(t, front.Config{Socket: t.TempDir() + "/none"}), nil)
	client := serverstest.Dial(t, address)
	client.Expect("ERROR", "The bouncer is starting")
	client.Closed()
}

func TestTooManyConnectionsOfAllAreRefusedInWords(t *testing.T) {
	socket, connections := listen(t)
	address := serve(t, newFront(t, front.Config{Socket: socket, Limits: front.Limits{Total: 1}}), nil)
	first := serverstest.Dial(t, address)
	_, _ = io.WriteString(<-connections, ":soju 001 ada :Welcome\r\n")
	first.Expect("001", "")
	second := serverstest.Dial(t, address)
	second.Expect("ERROR", "Too many connections")
	second.Closed()
}
