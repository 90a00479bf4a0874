package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/fault"
)

const (
	superuser    = "postgres"
	host         = "127.0.0.1" // nobody but this machine may connect
	readyTimeout = 60 * time.Second
	stopGrace    = 30 * time.Second
)

// Config says where the server lives. Dir is needed unless URL is given; the zero value of the rest works.
type Config struct {
	// URL of a server that runs already, with a role that may create databases and roles. Nothing is started then.
	URL string
	// Dir holds the data, and everything else that has to be there again at the next start.
	Dir string
	// Port on the loopback address; 0 takes any free one, which may be another at each start.
	Port int
	// Fast gives up safety against a crash of the machine, for tests.
	Fast bool
	Log  *slog.Logger
	// Progress is told in a sentence what takes long, such as an installation. It may be nil.
	Progress func(sentence string)
}

// Server is a running PostgreSQL server. Its methods may be called from any goroutine.
type Server struct {
	base  url.URL
	child *process.Process // nil for a server that is not ours
	lock  *os.File
	// release gives up the port, where we chose it: others hold its address, for when the server is started again.
	release func()
}

// Start finds or gets PostgreSQL, makes the data directory at the first time, and returns once the server takes
// connections. A server left over from a start that was killed is ended first. Faults it returns carry a sentence
// that says what to do.
func Start(ctx context.Context, config Config) (*Server, error) {
	if config.Progress == nil {
		config.Progress = func(string) {}
	}
	if config.URL != "" {
		return useRunning(ctx, config.URL)
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	config.Dir = dir
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	server, err := start(ctx, config)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	server.lock = lock
	return server, nil
}

func useRunning(ctx context.Context, address string) (*Server, error) {
	base, err := url.Parse(address)
	if err != nil || (base.Scheme != "postgres" && base.Scheme != "postgresql") {
		// The cause would quote the address, which holds a password.
		return nil, fault.New(fault.Invalid, "The database address (DATABASE_URL) has to look like postgres://user:password@host:5432/postgres.")
	}
	server := &Server{base: *base}
	if err := ping(ctx, address); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable,
			"No PostgreSQL answers at %s (DATABASE_URL). Start it, or unset DATABASE_URL to have one started.", base.Host)
	}
	return server, nil
}

func start(ctx context.Context, config Config) (*Server, error) {
	programs, err := find(ctx, config)
	if err != nil {
		return nil, err
	}
	cluster, err := openCluster(ctx, config, programs)
	if err != nil {
		return nil, err
	}
	defer cluster.close()
	if err := cluster.endOrphan(ctx); err != nil {
		return nil, err
	}
	if err := cluster.renewPassword(ctx); err != nil {
		return nil, err
	}
	server, err := cluster.serve(ctx, config.Port)
	if exit, ended := errors.AsType[*process.ExitError](err); ended && config.Port == 0 && ctx.Err() == nil {
		// Somebody may have taken the free port between our look and the server's.
		if server, err = cluster.serve(ctx, 0); err != nil {
			err = errors.Join(err, exit)
		}
	}
	return server, err
}

// serve starts the server once, on port or on any free one.
func (c *cluster) serve(ctx context.Context, port int) (*Server, error) {
	release := func() {}
	if port == 0 {
		var err error
		if port, release, err = servers.FreePort(); err != nil {
			return nil, err
		}
	}
	server, err := c.serveOn(ctx, port)
	if err != nil {
		release()
		return nil, err
	}
	server.release = release
	return server, nil
}

func (c *cluster) serveOn(ctx context.Context, port int) (*Server, error) {
	spec := c.spec("postgres", c.settings(port)...)
	spec.StopSignal, spec.DeathSignal, spec.Grace = syscall.SIGINT, syscall.SIGINT, stopGrace
	if c.config.Fast {
		spec.StopSignal, spec.DeathSignal = syscall.SIGQUIT, syscall.SIGQUIT
	}
	child, err := process.Start(spec)
	if err != nil {
		return nil, err
	}
	server := &Server{child: child, base: url.URL{
		Scheme: "postgres", Host: net.JoinHostPort(host, strconv.Itoa(port)),
		User: url.UserPassword(superuser, c.password), RawQuery: "sslmode=disable",
	}}
	readyCtx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	address := server.URL(superuser)
	err = child.WaitReady(readyCtx, func(ctx context.Context) error { return c.refusal(ping(ctx, address)) })
	if err != nil {
		return nil, errors.Join(err, child.Stop(context.WithoutCancel(ctx)))
	}
	return server, nil
}

// settings of the server. A failing statement is never logged with its text, which may hold a password.
func (c *cluster) settings(port int) []string {
	settings := []string{
		"listen_addresses=" + host, "port=" + strconv.Itoa(port), "unix_socket_directories=",
		"max_connections=100", "password_encryption=scram-sha-256", "log_min_error_statement=panic",
		"logging_collector=off", "log_destination=stderr", "timezone=UTC",
	}
	if c.config.Fast {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "autovacuum=off", "shared_buffers=64MB")
	}
	args := []string{"-D", c.path()}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

func ping(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// URL is the address of a database on the server, password included: it belongs in no log and no argument list.
func (s *Server) URL(database string) string {
	address := s.base
	address.Path = "/" + database
	return address.String()
}

// Port is the server's TCP port, to be asked for again when a server that died is restarted.
func (s *Server) Port() int {
	port, err := strconv.Atoi(s.base.Port())
	if err != nil {
		return 5432
	}
	return port
}

// Done is closed when the server has ended; never for a server that is not ours.
func (s *Server) Done() <-chan struct{} {
	if s.child == nil {
		return nil
	}
	return s.child.Done()
}

// Err says why the server ended by itself; nil while it runs.
func (s *Server) Err() error {
	if s.child == nil {
		return nil
	}
	return s.child.Err()
}

// Stop ends the server, connections included, and lets the next Start have the directory. It does nothing to a
// server that is not ours.
func (s *Server) Stop(ctx context.Context) error {
	if s.child == nil {
		return nil
	}
	err := s.child.Stop(ctx)
	s.release()
	return errors.Join(err, s.lock.Close())
}
