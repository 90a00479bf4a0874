// Command bounceradmin serves the admin API of the soju it runs beside.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"irc.now/longrunning/bounceradmin"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/telemetry"
)

const (
	drainTime  = 20 * time.Second
	renewEvery = 30 * time.Second
	staleEvery = 2 * time.Second
)

// settings are the environment.
type settings struct {
	AdminSocket   string        `env:"ADMIN_SOCKET,required,notEmpty"`
	DatabaseURL   config.Secret `env:"SOJU_DATABASE_URL,required,notEmpty"`
	Token         config.Secret `env:"BOUNCER_ADMIN_TOKEN,required,notEmpty"`
	ListenAddress string        `env:"LISTEN_ADDRESS" envDefault:"127.0.0.1:8081"`
	// ExtraNetworks are written name=ircs://host:port, separated by commas.
	ExtraNetworks string `env:"EXTRA_NETWORKS"`
	// CertificateFile is soju's certificate and SojuTLSAddress where it answers with it: soju is told when they differ.
	// That needs soju's processes in sight; without CertificateFile it is left out.
	CertificateFile string `env:"CERTIFICATE_FILE"`
	SojuTLSAddress  string `env:"SOJU_TLS_ADDRESS" envDefault:"127.0.0.1:6697"`
}

func main() {
	log := telemetry.NewLogger(os.Stderr, "bounceradmin", slog.LevelInfo)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, log); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	var s settings
	if err := config.Load(config.Environ(), &s); err != nil {
		return err
	}
	own, err := bouncer.ParseKnown(s.ExtraNetworks)
	if err != nil {
		return fmt.Errorf("EXTRA_NETWORKS: %w", err)
	}
	registry := telemetry.NewRegistry()
	admin, err := bounceradmin.New(bounceradmin.Config{ //nolint:contextcheck // The pool outlives the signal, to drain.
		Socket: s.AdminSocket, ReaderURL: s.DatabaseURL, Token: s.Token, Own: own, Log: log, Metrics: registry,
	})
	if err != nil {
		return err
	}
	defer admin.Close()
	defer s.attend(ctx, log)()
	mux := http.NewServeMux()
	mux.Handle("/", admin)
	mux.Handle("GET /metrics", telemetry.MetricsHandler(registry))
	return serve(ctx, log, &http.Server{
		Addr: s.ListenAddress, Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	})
}

// attend looks after the soju beside us: its certificate, where there is one, and the socket that it leaves behind when
// it is killed. What it returns ends that and waits.
func (s settings) attend(ctx context.Context, log *slog.Logger) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { bounceradmin.RemoveStale(ctx, s.AdminSocket, staleEvery, log) })
	if s.CertificateFile != "" {
		r := &bounceradmin.Renewal{
			File: s.CertificateFile, Address: s.SojuTLSAddress, Every: renewEvery, Log: log,
			Signal: func() error { return bounceradmin.SignalProcess("soju", syscall.SIGHUP) },
		}
		running.Go(func() { r.Run(ctx) })
	}
	return func() {
		stop()
		running.Wait()
	}
}

// serve runs the server until ctx ends, then lets changes that are under way finish.
func serve(ctx context.Context, log *slog.Logger, server *http.Server) error {
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.InfoContext(ctx, "serving", slog.String("address", server.Addr))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
