package bounceradmin_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"irc.now/longrunning/bounceradmin"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/tests/eventually"
)

// certify puts a new certificate into the folder, the way a kubelet does: a link is exchanged for another. It returns
// the certificate.
func certify(t *testing.T, folder string, serial int64) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"alice.irc.test"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	version, err := os.MkdirTemp(folder, "version")
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(version, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(version, "link")
	if err := os.Symlink(version, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(folder, "current")); err != nil {
		t.Fatal(err)
	}
	return certificate
}

func dial(t *testing.T, address string) *tls.Conn {
	t.Helper()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	secured, ok := conn.(*tls.Conn)
	if !ok {
		t.Fatalf("%T is no TLS", conn)
	}
	return secured
}

func TestARenewedCertificateIsTakenUpWithoutDroppingAnybody(t *testing.T) {
	folder, address := t.TempDir(), serverstest.Address(t).String()
	first := certify(t, folder, 1)
	server := serverstest.Soju(t, func(c *bouncer.Config) {
		c.Listen = append(c.Listen, "ircs://"+address)
		c.TLSCert, c.TLSKey = filepath.Join(folder, "current", "tls.crt"), filepath.Join(folder, "current", "tls.key")
	})
	client := dial(t, address)
	if got := client.ConnectionState().PeerCertificates[0].Raw; !bytes.Equal(got, first) {
		t.Fatal("soju answers with another certificate than the file's")
	}
	var signals atomic.Int32
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	renewal := bounceradmin.Renewal{
		File: filepath.Join(folder, "current", "tls.crt"), Address: address, Every: 50 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(serverstest.LogWriter(t), nil)),
		Signal: func() error {
			signals.Add(1)
			return syscall.Kill(server.PID(), syscall.SIGHUP)
		},
	}
	go func() {
		defer close(done)
		renewal.Run(ctx)
	}()
	second := certify(t, folder, 2)
	eventually.Within(t, 20*time.Second, func(context.Context) error {
		shown := dial(t, address).ConnectionState().PeerCertificates[0].Raw
		return eventually.True(bytes.Equal(shown, second), "soju still answers with the old certificate")
	})
	stop()
	<-done
	if signals.Load() == 0 {
		t.Error("soju was not signalled")
	}
	if _, err := client.Write([]byte("PING :still here\r\n")); err != nil {
		t.Error(err)
	}
	if err := client.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 512)
	if n, err := client.Read(answer); err != nil || n == 0 {
		t.Errorf("the connection from before does not answer: %v", err)
	}
}

func TestAProcessIsSignalledByItsName(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	name := "renew" + filepath.Base(t.TempDir()) + time.Now().Format("150405.00")[4:]
	name = name[:min(len(name), 15)] // the kernel's limit
	program := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(program, text, 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := bounceradmin.SignalProcess(name, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	_ = command.Wait()
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended by %v", command.ProcessState)
	}
	if err := bounceradmin.SignalProcess(name, syscall.SIGTERM); err == nil {
		t.Error("a process that is gone was signalled")
	}
}
