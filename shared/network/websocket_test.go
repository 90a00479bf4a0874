package network_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// webClient is the least of a WebSocket client (RFC 6455): text frames of up to 125 bytes out, any up to 64 KiB in.
type webClient struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

// webClient connects as somebody whom a proxy brings from an address.
func (r *running) webClient(from string) *webClient {
	r.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(r.t.Context(), "tcp", r.web)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: ergo.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n"+
		"X-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\n\r\n", from)
	if err != nil {
		r.t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Protocol") != "text.ircv3.net" {
		r.t.Fatalf("the WebSocket is refused: %s", response.Status)
	}
	return &webClient{t: r.t, conn: conn, reader: reader}
}

func (c *webClient) send(line string) {
	c.t.Helper()
	// A mask of zeros leaves the text as it is.
	frame := append([]byte{0x81, 0x80 | byte(len(line)), 0, 0, 0, 0}, line...)
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads until a message that holds text.
func (c *webClient) expect(text string) {
	c.t.Helper()
	var seen []string
	for {
		message, err := c.read()
		if err != nil {
			c.t.Fatalf("%q did not come: %v; seen:\n%s", text, err, strings.Join(seen, "\n"))
		}
		seen = append(seen, message)
		if strings.Contains(message, text) {
			return
		}
	}
}

func (c *webClient) read() (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(c.reader, head[:]); err != nil {
		return "", err
	}
	length := int(head[1])
	if length == 126 {
		var long [2]byte
		if _, err := io.ReadFull(c.reader, long[:]); err != nil {
			return "", err
		}
		length = int(binary.BigEndian.Uint16(long[:]))
	}
	data := make([]byte, length)
	_, err := io.ReadFull(c.reader, data)
	return string(data), err
}
