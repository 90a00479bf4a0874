package local

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes: their deadlines follow the test's own clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	close(l.closed)
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func TestARequestWhoseBodyNeverComesIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Platform{config: Config{Log: slog.New(slog.DiscardHandler)}}
		listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		p.serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }), listener)
		defer func() {
			if err := p.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		client, server := net.Pipe()
		listener.conns <- server
		if _, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: irc.localhost\r\nContent-Length: 100\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := client.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := io.Copy(io.Discard, client); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it stayed open for %s", took)
		}
	})
}
