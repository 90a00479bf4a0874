// Package guard is what our patches (longrunning/soju/patches) build into soju: bounds for what networks and clients send, a
// queue that blocks nobody, sockets that a killed soju has left, and which networks are our own.
//
// It is copied into soju's source when our image is built, so it imports the standard library alone, and is written in the Go of
// soju's go.mod (1.19).
package guard

import (
	"bytes"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// MaxLine is how many bytes a line may have, its line break included: the 8,191 of IRCv3's message-tags and the 512 of RFC 1459,
// twice.
const MaxLine = 16 << 10

// ErrLineTooLong ends a connection whose peer sends a line that is longer than MaxLine.
var ErrLineTooLong = errors.New("a line is longer than allowed")

// Lines bounds what is read from c: soju keeps a line until it ends.
func Lines(c net.Conn) net.Conn { return &lines{Conn: c} }

type lines struct {
	net.Conn

	unended int // bytes since the last line break
}

// Read reads as the connection does, until a line is too long.
func (l *lines) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		l.unended += i + 1
		if i < 0 {
			l.unended += len(rest)
			i = len(rest) - 1
		}
		if l.unended > MaxLine {
			return 0, ErrLineTooLong
		}
		if rest[i] == '\n' {
			l.unended = 0
		}
		rest = rest[i+1:]
	}
	return n, err //nolint:wrapcheck // a connection's errors are compared by what reads it
}

// RemoveStale removes a Unix socket on which nobody listens: what a killed soju has left behind keeps the next one from starting.
// It is called before soju listens at the address, and does nothing in networks that have no files.
func RemoveStale(network, address string) {
	if network != "unix" {
		return
	}
	conn, err := net.DialTimeout(network, address, time.Second) //nolint:noctx // soju has none here
	switch {
	case err == nil:
		_ = conn.Close() // another soju's: to listen fails, and says so
	case errors.Is(err, syscall.ECONNREFUSED):
		_ = os.Remove(address) // to listen fails, and says so
	}
}

// variable holds the hosts of networks of our own, separated by commas; one that begins with a dot means all below.
const variable = "SOJU_OWN_NETWORKS"

// Own reports whether a network's address, as soju keeps it, is one of our own: soju may be as fast with it as it likes, and try
// again soon where it went away.
func Own(address string) bool { return ownAmong(os.Getenv(variable), address) }

func ownAmong(hosts, address string) bool {
	host := address
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	} else if name, _, err := net.SplitHostPort(address); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, own := range strings.Split(hosts, ",") {
		own = strings.ToLower(strings.TrimSpace(own))
		if own != "" && (host == own || own[0] == '.' && strings.HasSuffix(host, own)) {
			return true
		}
	}
	return false
}
