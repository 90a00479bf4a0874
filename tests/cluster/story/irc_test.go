//go:build cluster

package story_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"github.com/gorilla/websocket"

	"irc.now/longrunning/local/servers/serverstest"
)

// irc connects to a host of the cluster by IRC over TLS.
func (w *world) irc(t *testing.T, host string) *serverstest.Client {
	t.Helper()
	secured, err := w.secured(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	return serverstest.Over(t, secured)
}

// secured connects by TLS to where hosts speak IRC; the ingress finds the pod by the name in the handshake (SNI), and the
// pod's own certificate is checked.
func (w *world) secured(ctx context.Context, host string) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	raw, err := w.dial(ctx, "tcp", net.JoinHostPort(host, "6697"))
	if err != nil {
		return nil, err
	}
	secured := tls.Client(raw, &tls.Config{RootCAs: w.roots, ServerName: host, MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS with %s: %w", host, errors.Join(err, raw.Close()))
	}
	return secured, nil
}

// trySignIn signs in by SASL PLAIN where somebody may not be there yet, and leaves again.
func (w *world) trySignIn(ctx context.Context, host, account, password string) error {
	conn, err := w.secured(ctx, host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + account + "\x00" + password))
	_, err = fmt.Fprintf(conn, "CAP REQ sasl\r\nNICK %[1]s\r\nUSER %[1]s 0 * :%[1]s\r\nAUTHENTICATE PLAIN\r\nAUTHENTICATE %[2]s\r\nCAP END\r\n", account, plain)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		message, err := ircmsg.ParseLine(lines.Text())
		switch {
		case err != nil:
			return err
		case message.Command == "001":
			return nil
		case slices.Contains([]string{"904", "464", "ERROR", "FAIL"}, message.Command):
			return fmt.Errorf("it says %s %q", message.Command, message.Params)
		}
	}
	return errors.Join(errors.New("it hangs up"), lines.Err())
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
