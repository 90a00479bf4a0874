package front

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	copyBuffer = 4 << 10         // bytes; IRC lines are short, and each connection has one
	writeTime  = 2 * time.Minute // for a client to take what it is sent
	// tellAfter is how long lines have to wait before their sender is told, and how long until told again.
	tellAfter = 10 * time.Second
	tellEvery = time.Minute
)

// client is one connection, to us and on to soju. Its reader is the goroutine of relay.
type client struct {
	server  *Server
	ticket  *ticket
	conn    net.Conn // to the client, inside TLS
	bouncer *net.UnixConn
	held    *held
	known   atomic.Bool // has signed in
	told    time.Time   // when lines were last said to wait; the reader's

	mu      sync.Mutex // guards what follows, and writes to conn
	within  bool       // of a line: nothing of ours may come now
	pending string     // our line for when that one is over
}

func newClient(s *Server, t *ticket, conn net.Conn, bouncer *net.UnixConn) *client {
	return &client{
		server: s, ticket: t, conn: conn, bouncer: bouncer,
		held: newHeld(bouncer, newPace(s.config.PaceBurst, s.config.PaceEvery), s.metrics.waiting),
	}
}

// relay passes lines on in both directions until soju ends the connection, or the client has and soju got all of its lines.
func (c *client) relay() {
	down := make(chan struct{})
	go func() {
		defer close(down)
		c.downward()
		_ = c.conn.Close() // ends the reader
		c.held.abandon()
	}()
	c.upward()
	<-down
}

// upward passes the client's lines on to soju.
func (c *client) upward() {
	reader := lines{from: c.conn}
	for {
		chunk, err := reader.next()
		if errors.Is(err, errLineTooLong) {
			c.server.metrics.refused("line")
			c.server.tell(c.conn, fmt.Sprintf("ERROR :A line may have at most %d bytes.", MaxLine))
			_ = c.conn.Close()
			_ = c.bouncer.Close()
			return
		}
		if err != nil || c.pass(chunk) != nil {
			break
		}
	}
	// The client is gone. What it said stands, and soju gets it at its pace.
	c.held.drain()
	_ = c.bouncer.CloseWrite()
}

// pass gives whole lines to soju, or keeps them until it is their turn.
func (c *client) pass(chunk []byte) error {
	now := time.Now()
	wait, err := c.held.pass(chunk, now)
	if wait > tellAfter && now.Sub(c.told) > tellEvery {
		c.told = now
		c.say(fmt.Sprintf("NOTICE * :You are faster than networks allow. Your lines wait here and go out in order, one every %s; "+
			"the last one in about %s.\r\n", c.server.config.PaceEvery, wait.Round(time.Second)))
	}
	return err
}

// downward passes what soju says on to the client. A client that is gone, or takes nothing any more, misses it: soju has to be
// read for as long as it is being told something.
func (c *client) downward() {
	if !c.untilWelcome() {
		return
	}
	buffer := make([]byte, copyBuffer)
	for {
		n, err := c.bouncer.Read(buffer)
		if n > 0 && c.write(buffer[:n]) != nil {
			_ = c.conn.Close()
			_, _ = io.CopyBuffer(io.Discard, onlyReader{c.bouncer}, buffer)
			return
		}
		if err != nil {
			return
		}
	}
}

// onlyReader keeps io.CopyBuffer from splicing with a buffer of its own.
type onlyReader struct{ io.Reader }

// untilWelcome passes lines on until 001, which makes the client one of the users. False means that soju, or the client, has
// ended the connection before.
func (c *client) untilWelcome() bool {
	reader := lines{from: c.bouncer}
	for !c.known.Load() {
		chunk, err := reader.next()
		if err != nil {
			return false
		}
		for line := range bytes.Lines(chunk) {
			if verb, _ := command(line); verb == "001" {
				c.known.Store(true)
				c.ticket.signedIn()
			}
		}
		if c.write(chunk) != nil {
			return false
		}
	}
	rest := reader.buffer[reader.start:reader.end]
	return len(rest) == 0 || c.write(rest) == nil
}

// write sends what soju said, and a line of ours where it fits in between.
func (c *client) write(text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := c.conn.Write(text); err != nil {
		return err //nolint:wrapcheck // it only tells that the client is gone
	}
	c.within = text[len(text)-1] != '\n'
	if !c.within && c.pending != "" {
		text, c.pending = []byte(c.pending), ""
		_, err := c.conn.Write(text)
		return err //nolint:wrapcheck // as above
	}
	return nil
}

// say sends the client a line of ours, now or when soju's line is over.
func (c *client) say(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.within {
		c.pending = line
		return
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, _ = c.conn.Write([]byte(line))
}

// expire ends the connection of whoever has not signed in.
func (c *client) expire() {
	if c.known.Load() {
		return
	}
	c.server.metrics.refused("sign-in")
	_ = c.conn.Close()
	_ = c.bouncer.Close()
}

// hurry passes on what waits, at once: the bouncer is being stopped.
func (c *client) hurry() { c.held.hurry() }
