package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	deployment "irc.now/tests/cluster/deploy"
)

func (p *program) deployment() deployment.Options {
	return deployment.Options{Root: p.root, Log: p.log, Progress: p.out}
}

// images makes the images of this checkout and brings them to the node.
func images(ctx context.Context, p *program, _ []string) error {
	m, err := p.found()
	if err != nil {
		return err
	}
	return p.step("images", func() error {
		where, err := deployment.Images(ctx, m, p.deployment())
		for _, name := range slices.Sorted(maps.Keys(where)) {
			fmt.Fprintf(p.out, "  %s is %s\n", name, where[name])
		}
		return err
	})
}

// deploy brings irc.now to the cluster, or what has changed of it.
func deploy(ctx context.Context, p *program, _ []string) error {
	m, err := p.found()
	if err != nil {
		return err
	}
	return p.step("irc.now", func() error { return deployment.Overlay(ctx, m, p.deployment()) })
}
