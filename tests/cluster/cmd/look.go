package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func status(ctx context.Context, p *program, _ []string) error {
	m, err := p.found()
	if err != nil {
		return err
	}
	running := m.Running()
	for _, name := range m.Components() {
		state := "down"
		if running[name] {
			state = "runs"
		}
		fmt.Fprintf(p.out, "%-24s %s\n", name, state)
	}
	all, well, err := m.Pods(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%-24s %d, %d of them ready or done\nKUBECONFIG=%s\n", "pods", all, well, m.Kubeconfig())
	return nil
}

// logs prints the last lines of components, which have files, and of pods, by kubectl.
func logs(ctx context.Context, p *program, args []string) error {
	m, err := p.found()
	if err != nil {
		return err
	}
	follow := len(args) > 0 && args[0] == "-f"
	if follow {
		args = args[1:]
	}
	tail := []string{"-n", "30"}
	if follow {
		tail = append(tail, "-F")
	}
	switch {
	case len(args) == 0:
		files, err := m.LogFiles()
		if err != nil {
			return err
		}
		return p.show(ctx, "tail", append(tail, files...)...)
	case slices.Contains(m.Components(), args[0]):
		return p.show(ctx, "tail", append(tail, m.LogFile(args[0]))...)
	}
	kubectl := []string{"--kubeconfig", m.Kubeconfig(), "logs", "--all-containers", "--prefix", "--tail=30"}
	if follow {
		kubectl = append(kubectl, "--follow", "--max-log-requests=50")
	}
	namespace, pod, one := strings.Cut(args[0], "/")
	kubectl = append(kubectl, "--namespace", namespace)
	if one {
		return p.show(ctx, "kubectl", append(kubectl, pod)...)
	}
	const all = "!irc.now/none" // kubectl wants a selector, and no pod has this label
	return p.show(ctx, "kubectl", append(kubectl, "--selector", all)...)
}

// show runs a program that prints to the caller. Ending it by Ctrl-C is no failure.
func (p *program) show(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = p.out, os.Stderr
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
