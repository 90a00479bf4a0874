package front_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"irc.now/longrunning/front"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
)

// certify puts a new certificate into the folder, the way a kubelet does: a link is exchanged for another. It returns
// the certificate.
func certify(t testing.TB, folder string, serial int64) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"alice.irc.test"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(folder, "data"+template.SerialNumber.String())
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(data, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(folder, "next")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(folder, "current")); err != nil {
		t.Fatal(err)
	}
	return certificate
}

// certificate is one in a folder of its own.
func certificate(t testing.TB) (*front.Certificate, string) {
	folder := t.TempDir()
	certify(t, folder, 1)
	c := &front.Certificate{
		CertFile: filepath.Join(folder, "current", "tls.crt"), KeyFile: filepath.Join(folder, "current", "tls.key"), Log: serverstest.Log(t),
	}
	if err := c.Load(); err != nil {
		t.Fatal(err)
	}
	return c, folder
}

// serve opens a door of the front until the test ends, and gives its address.
func serve(t testing.TB, f *front.Server, secure *tls.Config) string {
	t.Helper()
	door, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(door, secure) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := f.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return door.Addr().String()
}

func newFront(t testing.TB, c front.Config) *front.Server {
	t.Helper()
	c.Log = serverstest.Log(t)
	f, err := front.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// world is a soju with two users, and a front before it.
type world struct {
	soju   serverstest.SojuServer
	socket string
}

func newWorld(t testing.TB, edit func(*bouncer.Config)) world {
	t.Helper()
	folder, err := os.MkdirTemp("", "front") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	w := world{socket: filepath.Join(folder, "soju")}
	w.soju = serverstest.Soju(t, func(c *bouncer.Config) {
		c.IRCSocket = w.socket
		if edit != nil {
			edit(c)
		}
	})
	for _, name := range []string{"ada", "bob"} {
		w.command(t, "user", "create", "-username", name, "-password", name)
	}
	return w
}

func (w world) command(t testing.TB, words ...string) []string {
	t.Helper()
	lines, err := adminsocket.Command(t.Context(), w.soju.AdminSocket(), words...)
	if err != nil {
		t.Fatalf("%v: %v", words, err)
	}
	return lines
}

// inUse is how much memory this process uses now.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
