// Command build builds programs of the test cluster: all of them, or the modules and programs that are named, such
// as `etcd kubernetes/kube-apiserver`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"irc.now/tests/cluster/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root, err := build.Root()
	if err != nil {
		return err
	}
	return build.Config{Root: root, Progress: os.Stdout}.Build(ctx, os.Args[1:]...)
}
