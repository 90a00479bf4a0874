//go:build cluster

package story_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"irc.now/shared/servers/serverstest"
)

// irc connects to a host of the cluster by IRC over TLS; the ingress finds the pod by the name in the handshake (SNI),
// and the pod's own certificate is checked.
func (w *world) irc(t *testing.T, host string) *serverstest.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	raw, err := w.dial(ctx, "tcp", net.JoinHostPort(host, "6697"))
	if err != nil {
		t.Fatal(err)
	}
	secured := tls.Client(raw, &tls.Config{RootCAs: w.roots, ServerName: host, MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		t.Fatalf("TLS with %s: %v", host, err)
	}
	return serverstest.Over(t, secured)
}

// signIn is irc with SASL PLAIN.
func (w *world) signIn(t *testing.T, host, nick, account, password string, caps ...string) *serverstest.Client {
	t.Helper()
	c := w.irc(t, host)
	if got := c.Authenticate(nick, account, password, caps...); got.Command != "001" {
		t.Fatalf("sign in to %s as %s: %s %v", host, account, got.Command, got.Params)
	}
	return c
}

// webSocket connects as the web client does: IRC in text frames, one message each (IRCv3 websocket).
func (w *world) webSocket(t *testing.T, address string) *serverstest.Client {
	t.Helper()
	dialer := websocket.Dialer{
		NetDialContext: w.dial, TLSClientConfig: &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12},
		Subprotocols: []string{"text.ircv3.net"}, HandshakeTimeout: 30 * time.Second,
	}
	conn, answer, err := dialer.DialContext(t.Context(), address, http.Header{"Origin": {origin(t, address)}})
	if err != nil {
		t.Fatalf("WebSocket %s: %v (%+v)", address, err, answer)
	}
	if answer.Body != nil {
		_ = answer.Body.Close()
	}
	return serverstest.Over(t, &frames{Conn: conn})
}

// origin is that of the page which opens the WebSocket: the web client's, at the same host.
func origin(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return "https://" + parsed.Host
}

// frames makes lines of a WebSocket's messages, and messages of lines.
type frames struct {
	*websocket.Conn

	unread bytes.Buffer
	line   []byte
}

func (f *frames) Read(p []byte) (int, error) {
	for f.unread.Len() == 0 {
		_, message, err := f.ReadMessage()
		if err != nil {
			return 0, err
		}
		f.unread.Write(bytes.TrimRight(message, "\r\n"))
		f.unread.WriteString("\r\n")
	}
	return f.unread.Read(p)
}

func (f *frames) Write(p []byte) (int, error) {
	f.line = append(f.line, p...)
	for {
		end := bytes.IndexByte(f.line, '\n')
		if end < 0 {
			return len(p), nil
		}
		message := bytes.TrimRight(f.line[:end], "\r\n")
		f.line = f.line[end+1:]
		if err := f.WriteMessage(websocket.TextMessage, message); err != nil {
			return 0, err
		}
	}
}

func (f *frames) SetDeadline(at time.Time) error {
	if err := f.SetReadDeadline(at); err != nil {
		return err
	}
	return f.SetWriteDeadline(at)
}
