// Package ergo gets the real ergo IRC server and runs it as a child.
//
// It knows ergo's files and how to tell that it is ready; what the network is configured to be is package
// network's.
package ergo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/network"
)

const startTimeout = 30 * time.Second

// Config says how to run an ergo.
type Config struct {
	Program Program
	Dir     string // for its configuration, accounts and channels; made if need be
	// Network is the configuration. DataDir is filled in from Dir; history stays in
	// memory where the program cannot keep it in PostgreSQL.
	Network network.Config
	MOTD    string       // the message of the day itself; "" for none
	Log     *slog.Logger // gets ergo's output
}

// Server is a running ergo.
type Server struct{ process *process.Process }

// Start runs ergo and waits until it accepts connections on its first listener.
func Start(ctx context.Context, c Config) (*Server, error) {
	// ergo goes on without a listener that it could not open, and somebody else would answer our probe.
	if err := free(ctx, c.address()); err != nil {
		return nil, err
	}
	path, err := c.write()
	if err != nil {
		return nil, err
	}
	if err := c.initialise(ctx); err != nil {
		return nil, err
	}
	p, err := process.Start(c.spec("run", path))
	if err != nil {
		return nil, err
	}
	s := &Server{process: p}
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := p.WaitReady(ready, process.Dial("tcp", c.address())); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func free(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("another program already listens on %s: stop it or choose another port: %w", address, err)
	}
	return listener.Close()
}

func (c *Config) write() (path string, err error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return "", fmt.Errorf("make ergo's folder: %w", err)
	}
	c.Network.DataDir = c.Dir
	if !c.Program.PostgreSQL {
		c.Network.History.DatabaseURL = ""
	}
	if c.MOTD != "" {
		c.Network.MOTD = filepath.Join(c.Dir, "motd.txt")
		if err := os.WriteFile(c.Network.MOTD, []byte(c.MOTD), 0o600); err != nil {
			return "", fmt.Errorf("write ergo's message of the day: %w", err)
		}
	}
	text, err := c.Network.Render()
	if err != nil {
		return "", err
	}
	path = filepath.Join(c.Dir, "ergo.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil { // it holds passwords
		return "", fmt.Errorf("write ergo's configuration: %w", err)
	}
	return path, nil
}

// initialise makes the store of accounts and channels at the first start, aside, so that one that is there
// is whole.
func (c *Config) initialise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.Dir, "ircd.db")); err == nil {
		return nil
	}
	aside := c.Network
	aside.DataDir = filepath.Join(c.Dir, "new")
	if err := os.RemoveAll(aside.DataDir); err != nil {
		return fmt.Errorf("make ergo's store: %w", err)
	}
	if err := os.Mkdir(aside.DataDir, 0o700); err != nil {
		return fmt.Errorf("make ergo's store: %w", err)
	}
	defer os.RemoveAll(aside.DataDir)
	text, err := aside.Render()
	if err != nil {
		return err
	}
	setup := filepath.Join(aside.DataDir, "ergo.yaml")
	if err := os.WriteFile(setup, text, 0o600); err != nil {
		return fmt.Errorf("make ergo's store: %w", err)
	}
	if err := process.Run(ctx, c.spec("initdb", setup)); err != nil {
		return fmt.Errorf("make ergo's store: %w", err)
	}
	return os.Rename(filepath.Join(aside.DataDir, "ircd.db"), filepath.Join(c.Dir, "ircd.db"))
}

func (c *Config) spec(command, path string) process.Spec {
	env := slices.Clone(c.Program.Env)
	for name, value := range network.Environ() {
		env = append(env, name+"="+value)
	}
	return process.Spec{
		Name: "ergo", Path: c.Program.Path, Args: []string{command, "--conf", path}, Env: env, Dir: c.Dir, Log: c.Log,
	}
}

func (c *Config) address() string {
	if len(c.Network.Listen) > 0 {
		return c.Network.Listen[0]
	}
	return c.Network.ListenTLS[0].Address
}

// PID is ergo's process id.
func (s *Server) PID() int { return s.process.PID() }

// Done is closed once ergo has ended.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Err says how ergo ended; nil while it runs.
func (s *Server) Err() error { return s.process.Err() }

// Stop ends ergo. Stopping one that has ended is no error.
func (s *Server) Stop(ctx context.Context) error { return s.process.Stop(ctx) }
