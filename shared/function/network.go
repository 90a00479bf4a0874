package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// stopPatience is how long running requests may take after SIGTERM, within the 30 s that clusters give by
// default.
const stopPatience = 25 * time.Second

// Server serves handler over HTTP/1.1 and HTTP/2 without TLS, with limits for clients that are slow on
// purpose. A handler that streams for longer moves its own deadline with http.ResponseController.
func Server(handler http.Handler, log *slog.Logger) *http.Server {
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

// serveNetwork listens first and starts the function then: the port is open at once, and requests wait.
func serveNetwork(ctx context.Context, instance *Instance, log *slog.Logger, env map[string]string) error {
	servers, err := listen(ctx, instance, log, env)
	if err != nil {
		return err
	}
	failed := make(chan error, len(servers))
	for listener, server := range servers {
		go func() { failed <- server.Serve(listener) }() // ends with Shutdown or Close below
	}
	if err := instance.Start(ctx, env); err != nil {
		closeAll(servers)
		return fmt.Errorf("cannot start: %w", err)
	}
	var serveErr error
	select {
	case <-ctx.Done():
	case serveErr = <-failed:
	}
	return errors.Join(serveErr, shutdown(context.WithoutCancel(ctx), instance, log, servers))
}

// shutdown lets running requests finish; ctx is one that the signal to stop has not ended.
func shutdown(ctx context.Context, instance *Instance, log *slog.Logger, servers map[net.Listener]*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	log.InfoContext(ctx, "stopping")
	instance.Drain()
	var all error
	for _, server := range servers {
		all = errors.Join(all, server.Shutdown(ctx))
	}
	all = errors.Join(all, instance.Stop(ctx))
	closeAll(servers)
	return all
}

func closeAll(servers map[net.Listener]*http.Server) {
	for _, server := range servers {
		_ = server.Close() // only connections that are being given up are left
	}
}

func listen(ctx context.Context, instance *Instance, log *slog.Logger, env map[string]string) (map[net.Listener]*http.Server, error) {
	public, internal := standalone(instance, env["METRICS_ADDRESS"] == "")
	handlers := []struct {
		address string
		handler http.Handler
	}{{listenAddress(env), public}, {env["METRICS_ADDRESS"], internal}}
	servers := map[net.Listener]*http.Server{}
	for _, h := range handlers {
		if h.address == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", h.address)
		if err != nil {
			for open := range servers {
				_ = open.Close()
			}
			return nil, fmt.Errorf("cannot listen on %s (LISTEN_ADDRESS, PORT and METRICS_ADDRESS choose where): %w", h.address, err)
		}
		servers[listener] = Server(h.handler, log)
		log.InfoContext(ctx, "listening", "address", listener.Addr().String())
	}
	return servers, nil
}

// standalone is what the port answers: the function, health, and metrics unless they have a port of their own.
func standalone(instance *Instance, metrics bool) (public, internal http.Handler) {
	internal = instance.Internal()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == livenessPath, path == readinessPath, metrics && path == metricsPath:
			internal.ServeHTTP(w, r)
		default:
			instance.ServeHTTP(w, r)
		}
	}), internal
}

func listenAddress(env map[string]string) string {
	switch {
	case env["LISTEN_ADDRESS"] != "":
		return env["LISTEN_ADDRESS"]
	case env["PORT"] != "":
		return ":" + env["PORT"]
	default:
		return "127.0.0.1:8080"
	}
}
