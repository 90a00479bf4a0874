package local_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"irc.now/shared/guide"
	"irc.now/tests/terminal"
	"irc.now/tests/webclient"
)

// line stands between clients and the bouncer and sees what clients say.
type line struct {
	port      int
	authority string // the file of the certificate that clients have to trust; empty without TLS
	said      chan string
}

// between starts a line, with TLS where encrypted.
func between(t *testing.T, encrypted bool) *line {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	l := &line{port: listener.Addr().(*net.TCPAddr).Port, said: make(chan string, 1024)} //nolint:errcheck // of a TCP listener
	if encrypted {
		certificate := l.certify(t)
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(client)
		}
	}()
	return l
}

// carry takes bytes to and fro until one side is gone.
func (l *line) carry(client net.Conn) {
	defer client.Close()
	bouncer, err := new(net.Dialer).DialContext(context.Background(), "tcp", site.IRC)
	if err != nil {
		return
	}
	defer bouncer.Close()
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, bouncer)
	}()
	reader := bufio.NewScanner(io.TeeReader(client, bouncer))
	for reader.Scan() {
		l.said <- reader.Text()
	}
}

// hears waits until a client says something that begins with text.
func (l *line) hears(t *testing.T, text string) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case said := <-l.said:
			if strings.HasPrefix(said, text) {
				return
			}
		case <-limit:
			t.Fatalf("no client says %q", text)
		}
	}
}

// certify makes a certificate for localhost.
func (l *line) certify(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l.authority = filepath.Join(t.TempDir(), "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	if err := os.WriteFile(l.authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}

// guideOver is what our pages print for a client where the bouncer is behind the line.
func (p *person) guideOver(l *line, client, secret string) guide.Guide {
	p.t.Helper()
	g, ok := guide.Find(guide.For(guide.Connection{
		Host: "localhost", Port: l.port, TLS: l.authority != "", Handle: p.handle, Network: localUpstream, Password: secret,
	}), client)
	if !ok {
		p.t.Fatalf("there is no guide for %s", client)
	}
	return g
}

// TestTheGuidesWorkWithTLS has clients trust a certificate of the test's, and types what is printed for an encrypted bouncer.
// A client that speaks without TLS is never heard.
func TestTheGuidesWorkWithTLS(t *testing.T) {
	for name, c := range map[string]struct{ program, packaged, suite string }{
		"irssi":   {"irssi", "irssi", "sid"},
		"WeeChat": {"weechat", "weechat-curses", "sid"}, "WeeChat 3": {"weechat", "weechat-curses", "bookworm"},
		"senpai": {"senpai", "senpai", "sid"},
	} {
		t.Run(name, func(t *testing.T) {
			program := terminal.Get(t, c.program, c.packaged, c.suite)
			p := newcomer(t)
			p.joinLocalNetwork("")
			l, home := between(t, true), t.TempDir()
			g := p.guideOver(l, c.program, p.newPassword(name))
			more := []string{"SSL_CERT_FILE=" + l.authority}
			switch c.program {
			case "weechat": // has a setting of its own for authorities
				x := terminal.Start(t, program, home, []string{"-r", "/set weechat.network.gnutls_ca_user " + l.authority}, more)
				x.Type(linesOf(g.Text)...)
			case "irssi":
				terminal.Start(t, program, home, nil, more).Type(linesOf(g.Text)...)
			default:
				putFile(t, home, g)
				terminal.Start(t, program, home, nil, more)
			}
			l.hears(t, "CAP END")
			p.awaitNewestIn()
		})
	}
}

// putFile writes what a guide prints into the file that it names.
func putFile(t *testing.T, home string, g guide.Guide) {
	t.Helper()
	file := filepath.Join(home, strings.TrimPrefix(g.Label, "~/"))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(g.Text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestClientsLeaveThePacingToTheBouncer: by themselves irssi and WeeChat send a few lines, and one each two seconds from there on.
func TestClientsLeaveThePacingToTheBouncer(t *testing.T) {
	for name, c := range map[string]struct{ program, packaged, suite, opened, goTo string }{
		"irssi":     {"irssi", "irssi", "sid", "Act:", "/window goto "},
		"WeeChat":   {"weechat", "weechat-curses", "sid", "#paste", "/buffer "},
		"WeeChat 3": {"weechat", "weechat-curses", "bookworm", "#paste", "/buffer "},
	} {
		t.Run(name, func(t *testing.T) {
			program := terminal.Get(t, c.program, c.packaged, c.suite)
			p := newcomer(t)
			p.joinLocalNetwork("#paste")
			l := between(t, false)
			x := terminal.Start(t, program, t.TempDir(), nil, nil)
			x.Type(linesOf(p.guideOver(l, c.program, p.newPassword(name)).Text)...)
			l.hears(t, "CAP END")
			p.awaitNewestIn()
			x.Shows(c.opened) // the channel
			x.Type(c.goTo + "#paste")
			for n := range 16 {
				x.Press(fmt.Sprintf("line %d\r", n))
			}
			typed := time.Now()
			l.hears(t, "PRIVMSG #paste :line 15")
			if late := time.Since(typed); late > 5*time.Second {
				t.Errorf("the last of sixteen lines leaves %s after it was typed", late)
			}
		})
	}
}

// TestIrssiIsBackSoonAfterAnotherPasswordWasRevoked: soju closes all of a user's connections, whatever they signed in with.
func TestIrssiIsBackSoonAfterAnotherPasswordWasRevoked(t *testing.T) {
	irssi := terminal.Get(t, "irssi", "irssi", "sid")
	p := newcomer(t)
	p.joinLocalNetwork("")
	p.connect(p.newPassword("lost phone"))
	l := between(t, false)
	x := terminal.Start(t, irssi, t.TempDir(), nil, nil)
	x.Type(linesOf(p.guideOver(l, "irssi", p.newPassword("irssi")).Text)...)
	l.hears(t, "CAP END")
	p.awaitNewestIn()
	began := time.Now()
	revoke := p.visit("/passwords").Find(`tr:contains("lost phone") a[href$="/revoke"]`).AttrOr("href", "")
	p.visit(revoke).Submit(`form[action$="/revoke"] button`, webclient.Fields{})
	x.Shows("Connection lost to localhost")
	lost := time.Now()
	l.hears(t, "CAP END")
	t.Logf("irssi is gone %s after the revocation and back %s later", lost.Sub(began).Round(time.Second), time.Since(lost).Round(time.Second))
}
