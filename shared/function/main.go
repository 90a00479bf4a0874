package function

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"irc.now/shared/program"
)

// Main hosts f under name until it is told to stop (SIGTERM, SIGINT) and ends the program, as [program.Main] does. It is
// all that a function's main calls.
func Main(name string, f Handler) {
	program.Main(program.Program{Name: name, Run: func(ctx context.Context, p *program.Process) error {
		instance := newInstance(name, f, p.Log, p.Metrics)
		if p.Env[runtimeAPI] != "" {
			return serveLambda(ctx, instance, p.Env)
		}
		return serveNetwork(ctx, instance, p)
	}})
}

// serveNetwork listens first and starts the function then: the port is open at once, and requests wait.
func serveNetwork(ctx context.Context, instance *Instance, p *program.Process) error {
	server, err := p.Listen(ctx, listenAddress(p.Env), "LISTEN_ADDRESS or PORT chooses where", instance)
	if err != nil {
		return err
	}
	defer server.Close()
	p.Report(instance)
	if err := instance.Start(ctx, p.Env); err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	failed := server.Wait(ctx)
	stopping, cancel := p.Stopping(ctx)
	defer cancel()
	instance.Drain()
	return errors.Join(failed, server.Stop(stopping), instance.Stop(stopping))
}

func listenAddress(env map[string]string) string {
	if env["PORT"] != "" {
		return cmp.Or(env["LISTEN_ADDRESS"], ":"+env["PORT"])
	}
	return cmp.Or(env["LISTEN_ADDRESS"], "127.0.0.1:8080")
}
