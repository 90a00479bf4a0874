// Package outbound makes the HTTP clients that our programs call each other and their dependencies with.
//
// Every call has a deadline, carries the request id of the work it is done for, and reaches names below
// localhost without asking a resolver. What an answer holds is not trusted here: its reader bounds and checks it.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"irc.now/shared/telemetry"
)

const (
	dialTimeout    = 5 * time.Second
	maxRedirects   = 5
	idlePerHost    = 16 // functions talk to few hosts, often
	maxHeaderBytes = 64 << 10
)

// Client makes a client whose every call, reading the body included, ends within timeout. It adds the
// context's request id as X-Request-Id, resolves localhost and names below it to the loopback interface
// (RFC 6761 section 6.3), never sends those through a proxy, and refuses redirects to another scheme. All
// clients share one pool of connections. A timeout of zero or less is a programming error and panics.
func Client(timeout time.Duration) *http.Client {
	if timeout <= 0 {
		panic("outbound: a client without a deadline")
	}
	return &http.Client{
		Timeout:       timeout,
		Transport:     requestIDs{shared()},
		CheckRedirect: checkRedirect,
	}
}

// shared is made at the first call for one: importing this package costs nothing at start-up.
var shared = sync.OnceValue(func() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		Proxy:                  proxyUnlessLocal,
		DialContext:            dialLocal(dialer.DialContext),
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    dialTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    idlePerHost,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ExpectContinueTimeout:  time.Second,
	}
})

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialLocal sends names that RFC 6761 reserves for this machine to its loopback addresses: Go's resolver asks
// a name server for all but "localhost" itself.
func dialLocal(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil || !IsLocalhost(host) {
			return dial(ctx, network, address)
		}
		conn, err := dial(ctx, network, net.JoinHostPort("127.0.0.1", port))
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		conn, err6 := dial(ctx, network, net.JoinHostPort("::1", port))
		if err6 != nil {
			return nil, fmt.Errorf("connect to %s: %w", host, errors.Join(err, err6))
		}
		return conn, nil
	}
}

// IsLocalhost reports whether host is "localhost" or a name below it, in any case, with or without the dot of
// the root.
func IsLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func proxyUnlessLocal(r *http.Request) (*url.URL, error) {
	if IsLocalhost(r.URL.Hostname()) {
		return nil, nil // net/http's way of saying "no proxy"
	}
	return http.ProxyFromEnvironment(r)
}

var errRedirect = errors.New("redirect refused")

// checkRedirect keeps a dependency from downgrading us to plain text or leading us in circles.
func checkRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d in a row", errRedirect, maxRedirects)
	case next.URL.Scheme != via[0].URL.Scheme:
		return fmt.Errorf("%w: from %s to %s", errRedirect, via[0].URL.Scheme, next.URL.Scheme)
	}
	return nil
}

// requestIDs adds the request id to what is sent.
type requestIDs struct{ next http.RoundTripper }

func (t requestIDs) RoundTrip(r *http.Request) (*http.Response, error) {
	id := telemetry.RequestID(r.Context())
	if id == "" || r.Header.Get(telemetry.RequestIDHeader) != "" {
		return t.next.RoundTrip(r)
	}
	r = r.Clone(r.Context()) // a RoundTripper must not change the caller's request
	r.Header.Set(telemetry.RequestIDHeader, id)
	return t.next.RoundTrip(r)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the pool.
func (t requestIDs) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
