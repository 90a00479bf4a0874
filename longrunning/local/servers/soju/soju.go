// Package soju gets the real soju and runs it as a child.
//
// It knows soju's files and how to tell that it is ready. What the bouncer is configured to do is package
// bouncer's, and changing it while it runs is bounceradmin's.
package soju

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
)

const (
	startTimeout = 30 * time.Second
	// maxSocketPath is what sockaddr_un holds on the system with the least room (macOS).
	maxSocketPath = 103
)

// Config says how to run a soju.
type Config struct {
	Program Program
	Dir     string // for its configuration file and admin socket; made if need be
	// Bouncer is the configuration. Version is filled in from Program; AdminSocket from Dir where empty. What killed sojus
	// have left of its sockets is removed.
	Bouncer bouncer.Config
	Log     *slog.Logger // gets soju's output
}

// Server is a running soju.
type Server struct {
	process *process.Process
	socket  string
	temp    string // folder to remove with the server; "" for none
}

// Start runs soju and waits until it serves all its users. The OAuth server and the database must be up
// before, for soju asks both when it starts.
func Start(ctx context.Context, c Config) (*Server, error) {
	s := &Server{socket: c.Bouncer.AdminSocket}
	if err := s.start(ctx, c); err != nil {
		s.removeTemp()
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.process.WaitReady(ready, s.probe); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, c Config) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make soju's folder: %w", err)
	}
	if err := s.chooseSocket(c.Dir); err != nil {
		return err
	}
	for _, path := range []string{s.socket, c.Bouncer.IRCSocket} {
		if err := clearSocket(ctx, path); path != "" && err != nil {
			return err
		}
	}
	path := filepath.Join(c.Dir, "soju.conf")
	c.Bouncer.Version, c.Bouncer.AdminSocket = c.Program.Version, s.socket
	text, err := c.Bouncer.Render()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil { // it holds the database's password
		return fmt.Errorf("write soju's configuration: %w", err)
	}
	s.process, err = process.Start(process.Spec{
		Name: "soju", Path: c.Program.Path, Args: []string{"-config", path}, Env: c.Program.Env, Dir: c.Dir, Log: c.Log,
	})
	return err
}

// chooseSocket puts the socket into dir, or into a temporary folder where dir's path is too long for one.
func (s *Server) chooseSocket(dir string) error {
	if s.socket != "" {
		return nil
	}
	s.socket = filepath.Join(dir, "admin.sock")
	if len(s.socket) <= maxSocketPath {
		return nil
	}
	temp, err := os.MkdirTemp("", "soju-") // 0700: the socket must be ours alone
	if err != nil {
		return fmt.Errorf("make a folder for soju's admin socket: %w", err)
	}
	s.temp, s.socket = temp, filepath.Join(temp, "admin.sock")
	return nil
}

// clearSocket removes what a killed soju left behind, but never another soju's door.
func clearSocket(ctx context.Context, path string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("another soju already listens on %s: stop it first", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an old socket: %w", err)
	}
	return nil
}

// probe answers nil once soju runs all the users that its database has; before, commands for them fail.
func (s *Server) probe(ctx context.Context) error {
	stats, err := adminsocket.ServerStatus(ctx, s.socket)
	if err != nil {
		return err
	}
	if stats.Active < stats.Users {
		return fmt.Errorf("soju runs %d of %d users", stats.Active, stats.Users)
	}
	return nil
}

// AdminSocket is the path of the socket that bounceradmin needs.
func (s *Server) AdminSocket() string { return s.socket }

// PID is soju's process id.
func (s *Server) PID() int { return s.process.PID() }

// Done is closed once soju has ended.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Err says how soju ended; nil while it runs.
func (s *Server) Err() error { return s.process.Err() }

// Stop ends soju. Stopping one that has ended is no error.
func (s *Server) Stop(ctx context.Context) error {
	err := s.process.Stop(ctx)
	s.removeTemp()
	return err
}

func (s *Server) removeTemp() {
	if s.temp != "" {
		_ = os.RemoveAll(s.temp)
	}
}
