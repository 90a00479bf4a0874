package main

import (
	"context"
	"path/filepath"

	"irc.now/tests/cluster/addons"
	"irc.now/tests/cluster/machine"
)

// install brings the cluster what irc.now needs of it.
func install(ctx context.Context, p *program, _ []string) error {
	m, err := p.found()
	if err != nil {
		return err
	}
	return p.step("add-ons", func() error {
		return addons.Install(ctx, m, addons.Options{
			Root: p.root, Volumes: filepath.Join(p.root, ".cache", "cluster", "run", "volumes"), Address: machine.Address, Log: p.log,
		})
	})
}
