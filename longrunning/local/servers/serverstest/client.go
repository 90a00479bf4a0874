package serverstest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

const clientTimeout = 20 * time.Second

// Client is an IRC connection that a test reads message by message. It answers PING itself.
type Client struct {
	t      testing.TB
	conn   net.Conn
	reader *bufio.Reader
}

// Dial connects to a plain-text IRC server.
func Dial(t testing.TB, address string) *Client {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: clientTimeout}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return Over(t, conn)
}

// Over speaks IRC over a connection that is there, and closes it when the test ends.
func Over(t testing.TB, conn net.Conn) *Client {
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{t: t, conn: conn, reader: bufio.NewReader(conn)}
}

// SignIn registers with nick and SASL PLAIN and asks for caps. It fails the test where the server refuses.
// user may select a network: name/network.
func SignIn(t testing.TB, address, nick, user, password string, caps ...string) *Client {
	t.Helper()
	c := Dial(t, address)
	if got := c.Authenticate(nick, user, password, caps...); got.Command != "001" {
		t.Fatalf("sign in as %s: %s", user, got.Command)
	}
	return c
}

// Authenticate is SignIn that leaves the outcome to the test: 001, or the numeric that refused.
func (c *Client) Authenticate(nick, user, password string, caps ...string) ircmsg.Message {
	c.t.Helper()
	c.Send("CAP LS 302", "NICK "+nick, "USER "+nick+" 0 * :"+nick, "CAP REQ :"+strings.Join(append([]string{"sasl"}, caps...), " "))
	c.Expect("CAP", "ACK")
	c.Send("AUTHENTICATE PLAIN")
	c.Expect("AUTHENTICATE", "+")
	c.Send("AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)))
	if got := c.Await(func(m ircmsg.Message) bool { return oneOf(m.Command, "903", "904", "905", "ERROR") }); got.Command != "903" {
		return got
	}
	c.Send("CAP END")
	return c.Await(func(m ircmsg.Message) bool { return oneOf(m.Command, "001", "464", "ERROR") })
}

// DialTLS connects to an IRC server over TLS. Any certificate will do.
func DialTLS(t testing.TB, address string) *Client {
	t.Helper()
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: clientTimeout},
		Config:    &tls.Config{InsecureSkipVerify: true},
	}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{t: t, conn: conn, reader: bufio.NewReader(conn)}
}

// Register connects without an account.
func Register(t testing.TB, address, nick string, caps ...string) *Client {
	t.Helper()
	c := Dial(t, address)
	c.Register(nick, caps...)
	return c
}

// Register signs in without an account, on a new connection.
func (c *Client) Register(nick string, caps ...string) {
	c.t.Helper()
	c.Send("CAP LS 302", "NICK "+nick, "USER "+nick+" 0 * :"+nick)
	if len(caps) > 0 {
		c.Send("CAP REQ :" + strings.Join(caps, " "))
		c.Expect("CAP", "ACK")
	}
	c.Send("CAP END")
	c.Expect("001", "")
}

func oneOf(text string, list ...string) bool {
	for _, item := range list {
		if text == item {
			return true
		}
	}
	return false
}

// Send writes lines as they are.
func (c *Client) Send(lines ...string) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(clientTimeout))
	for _, line := range lines {
		if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
			c.t.Fatalf("send %q: %v", line, err)
		}
	}
}

// Await reads until a message that match accepts; the test fails when none comes.
func (c *Client) Await(match func(ircmsg.Message) bool) ircmsg.Message {
	c.t.Helper()
	var seen []string
	_ = c.conn.SetReadDeadline(time.Now().Add(clientTimeout))
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			c.t.Fatalf("the expected message did not come: %v; seen:\n%s", err, strings.Join(seen, "\n"))
		}
		seen = append(seen, strings.TrimSpace(line))
		message, err := ircmsg.ParseLine(line)
		if err != nil {
			continue
		}
		if message.Command == "PING" {
			c.Send("PONG :" + message.Params[0])
		}
		if match(message) {
			return message
		}
	}
}

// Expect awaits a command that has text among its parameters; "" for any.
func (c *Client) Expect(command, text string) ircmsg.Message {
	c.t.Helper()
	return c.Await(func(m ircmsg.Message) bool {
		return m.Command == command && strings.Contains(strings.Join(m.Params, " "), text)
	})
}

// Closed waits until the server has closed the connection.
func (c *Client) Closed() {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(clientTimeout))
	_, err := io.Copy(io.Discard, c.reader)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the server keeps the connection open")
	}
}

// Message is what Await hands to its caller.
type Message = ircmsg.Message
