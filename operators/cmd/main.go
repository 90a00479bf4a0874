package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	ctrl "sigs.k8s.io/controller-runtime"

	"irc.now/shared/config"
	"irc.now/shared/telemetry"
)

// version is set by the linker: -X main.version=1.2.3. What is no semantic version is never older or newer.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	var s settings
	if err := config.Load(config.Environ(), &s); err != nil {
		return err
	}
	cluster, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	log := telemetry.NewLogger(os.Stderr, "operator", telemetry.Level(s.LogLevel))
	log.InfoContext(ctx, "starting", slog.String("version", version), slog.Any("controllers", s.Controllers))
	p := &program{settings: s, version: version, log: log}
	return p.run(ctx, cluster)
}
