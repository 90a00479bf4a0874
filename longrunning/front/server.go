package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/background"
)

// Config is what New needs. Socket is needed; the zero value of everything else is right for one machine.
type Config struct {
	Socket string // the Unix socket at which soju speaks IRC
	// Announce tells soju each client's address by a PROXY header (version 2), which soju has to be told to accept.
	Announce bool
	// ProxyFrom are addresses that may put a PROXY header before everything else: the ingress's.
	ProxyFrom []netip.Prefix
	Limits    Limits
	PaceBurst int           // lines that may go on to a network at once; DefaultPaceBurst
	PaceEvery time.Duration // between lines after that; DefaultPaceEvery
	Log       *slog.Logger
	Metrics   prometheus.Registerer
}

// Server passes IRC clients on to one soju. It is safe for concurrent use.
type Server struct {
	config  Config
	gate    *gate
	metrics *metrics

	clients background.Group // one goroutine each

	mu       sync.Mutex
	stopping bool
	open     map[*client]struct{}
	doors    map[net.Listener]struct{}
}

// New makes a server. soju need not run yet: clients are told to come back until it does.
func New(c Config) (*Server, error) {
	if c.Socket == "" {
		return nil, errors.New("the path of soju's socket is missing")
	}
	if c.PaceBurst < 0 || c.PaceEvery < 0 || c.Limits.Total < 0 || c.Limits.PerAddress < 0 || c.Limits.Strangers < 0 {
		return nil, errors.New("limits of the front cannot be negative")
	}
	if c.PaceBurst == 0 {
		c.PaceBurst = DefaultPaceBurst
	}
	if c.PaceEvery == 0 {
		c.PaceEvery = DefaultPaceEvery
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	s := &Server{config: c, gate: newGate(c.Limits), open: map[*client]struct{}{}, doors: map[net.Listener]struct{}{}}
	s.metrics = newMetrics(c.Metrics, s.gate)
	return s, nil
}

// Serve takes clients from l until Stop, or until l fails. secure is nil for a port without TLS.
func (s *Server) Serve(l net.Listener, secure *tls.Config) error {
	if !s.openDoor(l) {
		return errors.Join(net.ErrClosed, l.Close())
	}
	pause := 5 * time.Millisecond
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil: // such as too many open files: others leave
			s.config.Log.Warn("could not take a connection", slog.Any("error", err))
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		if !s.clients.Go(func(_, hard context.Context) { s.welcome(hard, conn, secure) }) {
			_ = conn.Close()
		}
	}
}

func (s *Server) openDoor(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.doors[l] = struct{}{}
	}
	return !s.stopping
}

// Reach says whether soju takes connections.
func (s *Server) Reach(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", s.config.Socket)
	if err != nil {
		return fmt.Errorf("connect to soju: %w", err)
	}
	return conn.Close()
}

// Stop takes no more clients, passes on what waits for its turn, and waits for soju to end the connections, as it does when it
// is stopped too. Those that are left when ctx ends are cut.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	var errs []error
	for door := range s.doors {
		errs = append(errs, door.Close())
	}
	clear(s.doors)
	for c := range s.open {
		c.hurry()
	}
	s.mu.Unlock()
	if s.clients.Stop(ctx) != nil { // its context is the caller's wish
		s.config.Log.InfoContext(ctx, "cut the connections that soju had not ended")
	}
	return errors.Join(errs...)
}

// enter remembers a client for Stop; false where that has begun.
func (s *Server) enter(c *client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.open[c] = struct{}{}
	return true
}

func (s *Server) leave(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}
