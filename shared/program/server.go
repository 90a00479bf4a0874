package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// HTTPServer serves handler over HTTP/1.1 and HTTP/2 without TLS, with limits for clients that are slow on purpose. A
// handler that streams for longer moves its own deadline with http.ResponseController.
func HTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         &protocols,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// Server answers HTTP at one address until it is stopped.
type Server struct {
	http    *http.Server
	address string
	failed  chan error // receives why it ended, once
}

// Listen answers at address with handler, from now on; beside it health, and metrics where METRICS_ADDRESS is not set.
// where is for the error: which variables say what address.
func (p *Process) Listen(ctx context.Context, address, where string, handler http.Handler) (*Server, error) {
	s, err := p.listen(ctx, address, where, p.public(handler))
	if err == nil {
		p.Log.InfoContext(ctx, "listening", "address", s.address)
	}
	return s, err
}

func (p *Process) listen(ctx context.Context, address, where string, handler http.Handler) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s (%s): %w", address, where, err)
	}
	s := &Server{http: HTTPServer(handler, p.Log), address: listener.Addr().String(), failed: make(chan error, 1)}
	go func() { s.failed <- s.http.Serve(listener) }() // ends with Stop or Close
	return s, nil
}

// Wait returns nil when ctx ends, or why the server ended before.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Stop takes no new requests, waits for the running ones as long as ctx lasts, and cuts those that are left.
func (s *Server) Stop(ctx context.Context) error {
	defer s.Close()
	if err := s.http.Shutdown(ctx); err != nil {
		return fmt.Errorf("wait for running requests: %w", err)
	}
	return nil
}

// Close ends the server, whatever it is at.
func (s *Server) Close() { _ = s.http.Close() } // only connections that are being given up are left

// Serve answers at address until ctx ends, and finishes what is running then. It is Run of a program that does nothing
// else.
func (p *Process) Serve(ctx context.Context, address, where string, handler http.Handler) error {
	server, err := p.Listen(ctx, address, where, handler)
	if err != nil {
		return err
	}
	p.Report(Up{})
	failed := server.Wait(ctx)
	stopping, cancel := p.Stopping(ctx)
	defer cancel()
	return errors.Join(failed, server.Stop(stopping))
}
