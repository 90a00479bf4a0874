package function

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"irc.now/shared/config"
	"irc.now/shared/telemetry"
)

// Main hosts f under name until it is told to stop (SIGTERM, SIGINT) and ends the program: with 0 after a
// graceful stop, else with 1 and a sentence on standard error. It is all that a function's main calls.
func Main(name string, f Handler) {
	os.Exit(run(name, f, config.Environ(), os.Stderr))
}

func run(name string, f Handler, env map[string]string, stderr io.Writer) int {
	log := telemetry.NewLogger(stderr, name, telemetry.Level(env["LOG_LEVEL"]))
	if err := host(New(name, f, log), log, env); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

// host runs instance where env says it is.
func host(instance *Instance, log *slog.Logger, env map[string]string) error {
	ctx, release := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer release()
	context.AfterFunc(ctx, release) // a second Ctrl-C ends the program at once
	if api := env[runtimeAPI]; api != "" {
		return serveLambda(ctx, instance, env)
	}
	return serveNetwork(ctx, instance, log, env)
}
