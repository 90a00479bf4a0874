package ergo

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
)

// relayTLS gives a plain-text address of a TLS server, since the tests' client speaks plain text.
func relayTLS(t *testing.T, address string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // The test's own.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go relay(t.Context(), listener, address)
	return listener.Addr().String()
}

// relay serves one connection.
func relay(ctx context.Context, listener net.Listener, address string) {
	inner, err := listener.Accept()
	if err != nil {
		return
	}
	defer inner.Close()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	outer, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer outer.Close()
	plain, ok := inner.(*net.TCPConn)
	if !ok {
		return
	}
	go func() { _, _ = plain.ReadFrom(outer) }()
	_, _ = plain.WriteTo(outer)
}
