// Command cluster brings a real Kubernetes with Knative and irc.now up on this machine, and takes it down again.
// `go run ./tests/cluster/cmd help` lists what it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"irc.now/tests/cluster/build"
	"irc.now/tests/cluster/machine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// command is what one may ask for.
type command struct {
	name, does string
	do         func(ctx context.Context, p *program, args []string) error
}

func commands() []command {
	return []command{
		{"up", "all of it: build, bare, addons, deploy; what is there and unchanged is left alone", up},
		{"build", "build Kubernetes, Knative and the rest from the modules in tests/tools", buildAll},
		{"bare", "Kubernetes alone, without Knative and irc.now", bare},
		{"images", "make the images of irc.now and bring them to the node", images},
		{"addons", "install Knative, Traefik, cert-manager and CloudNativePG", install},
		{"deploy", "apply the overlay `test` with the images of this checkout", deploy},
		{"status", "say what runs", status},
		{"logs", "print components' and pods' last lines: logs [-f] [COMPONENT | NAMESPACE[/POD]]", logs},
		{"restart", "restart a component: restart COMPONENT", restart},
		{"down", "end the cluster and remove its data; programs and images stay", down},
	}
}

// program is what commands share.
type program struct {
	root string
	out  io.Writer
	log  *slog.Logger
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" {
		for _, c := range commands() {
			fmt.Fprintf(out, "  %-8s %s\n", c.name, c.does)
		}
		return nil
	}
	root, err := build.Root()
	if err != nil {
		return err
	}
	p := &program{root: root, out: out, log: slog.New(newLines(out))}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.do(ctx, p, args[1:])
		}
	}
	return fmt.Errorf("there is no command %q; `help` lists them", args[0])
}

func (p *program) build() build.Config { return build.Config{Root: p.root, Progress: p.out} }

func (p *program) machine() machine.Config {
	return machine.Config{Dir: filepath.Join(p.root, ".cache", "cluster"), Log: p.log, Progress: p.out}
}

// step says what is done and how long it took.
func (p *program) step(name string, do func() error) error {
	began := time.Now()
	fmt.Fprintf(p.out, "==> %s\n", name)
	if err := do(); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "    %s: %.1f s\n", name, time.Since(began).Seconds())
	return nil
}

// found is the cluster that runs.
func (p *program) found() (*machine.Machine, error) {
	if err := machine.Check(); err != nil {
		return nil, err
	}
	m, err := machine.Open(p.machine())
	if err != nil {
		return nil, err
	}
	if !m.Running()["kube-apiserver"] {
		return nil, errors.New("there is no cluster: `make cluster-up` brings it up")
	}
	return m, nil
}

func up(ctx context.Context, p *program, _ []string) error {
	if err := machine.Check(); err != nil {
		return err
	}
	began := time.Now()
	for _, do := range []func(context.Context, *program, []string) error{buildAll, bare, install, deploy} {
		if err := do(ctx, p, nil); err != nil {
			return err
		}
	}
	fmt.Fprintf(p.out, "irc.now runs on a cluster after %.0f s: https://irc.test at %s\n", time.Since(began).Seconds(), machine.Address)
	return nil
}

func buildAll(ctx context.Context, p *program, args []string) error {
	return p.step("programs", func() error { return p.build().Build(ctx, args...) })
}

func bare(ctx context.Context, p *program, _ []string) error {
	if err := machine.Check(); err != nil {
		return err
	}
	return p.step("Kubernetes", func() error {
		if err := p.build().Build(ctx, "etcd", "kubernetes", "containerd", "networkpolicies", "coredns"); err != nil {
			return err
		}
		_, err := machine.Up(ctx, p.machine())
		return err
	})
}

func down(ctx context.Context, p *program, _ []string) error {
	return p.step("down", func() error { return machine.Down(ctx, p.machine()) })
}

func restart(ctx context.Context, p *program, args []string) error {
	m, err := p.found()
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return fmt.Errorf("restart one of %s", strings.Join(m.Components(), ", "))
	}
	return p.step("restart "+args[0], func() error { return m.Restart(ctx, args[0]) })
}
