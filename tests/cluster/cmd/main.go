// Command cluster brings the test cluster up and down: up, down, status, logs [component] (see usage).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"irc.now/tests/cluster/build"
	"irc.now/tests/cluster/machine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root, err := build.Root()
	if err != nil {
		return err
	}
	config := machine.Config{Dir: filepath.Join(root, ".cache", "cluster"), Progress: os.Stdout}
	if len(args) == 0 {
		return fmt.Errorf("usage: up, down")
	}
	switch args[0] {
	case "up":
		if err := machine.Check(); err != nil {
			return err
		}
		b := build.Config{Root: root, Progress: os.Stdout}
		if err := b.Build(ctx, "etcd", "kubernetes", "containerd", "coredns"); err != nil {
			return err
		}
		_, err = machine.Up(ctx, config)
		return err
	case "down":
		return machine.Down(ctx, config)
	}
	return fmt.Errorf("there is no %q", args[0])
}
