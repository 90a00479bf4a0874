// Package deploy brings irc.now onto a cluster: it builds and pushes the images that an overlay names, and has kubectl
// apply the overlay with them.
//
// It owns the order of what is applied, and the check that nothing is missing which only a person can supply. It never
// makes a secret on the cluster, and sees the names of their keys alone.
package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"irc.now/knative/render"
)

// Config says what goes where.
type Config struct {
	Root     string // of the repository
	Overlay  string
	Registry string // where images are pushed, such as registry.example.org/irc-now
	Engine   string // docker, podman, or what understands build and push like them; looked for when something has to be built
	Ko       string // the program
	Rebuild  bool   // build what has a Dockerfile even if the registry has it
	Leave    bool   // leave every cluster alone: build, and write Applied
	Out      io.Writer
	Applied  string // the file that gets what is applied, or is for others to apply

	version string // of what is deployed
}

// fieldManager is who owns the fields that are applied.
const fieldManager = "irc-now-deploy"

// Run deploys. kubectl uses its current context.
func Run(ctx context.Context, c Config) error {
	if !registry.MatchString(c.Registry) {
		return fmt.Errorf("REGISTRY must be where images are pushed, a host and a path such as registry.example.org/irc-now; it is %q", c.Registry)
	}
	objects, err := render.Overlay(c.Root, c.Overlay)
	if err != nil {
		return err
	}
	version, err := c.output(ctx, nil, "git", "describe", "--tags", "--always")
	if err != nil {
		return fmt.Errorf("tell the version: %w", err)
	}
	c.version = strings.TrimSpace(version)
	if !c.Leave {
		if err := c.checkCluster(ctx, objects); err != nil {
			return err
		}
	}
	where, err := c.buildImages(ctx, render.Images(objects))
	if err != nil {
		return err
	}
	if err := errors.Join(render.ReplaceImages(objects, where), render.NameJobs(objects)); err != nil {
		return err
	}
	if err := c.keep(objects); err != nil || c.Leave {
		return err
	}
	return c.apply(ctx, objects)
}

// keep writes down what is to be applied.
func (c Config) keep(objects []render.Object) error {
	stream, err := render.YAML(objects)
	if err != nil {
		return err
	}
	err = os.MkdirAll(filepath.Dir(c.Applied), 0o755) //nolint:gosec // manifests are for everybody to read
	if err == nil {
		err = os.WriteFile(c.Applied, stream, 0o644) //nolint:gosec // as above
	}
	if err != nil {
		return fmt.Errorf("keep what is to be applied: %w", err)
	}
	return nil
}

// apply applies one phase after the other: what the API server has to serve first, what jobs stand on, jobs, which have
// to end well, and everything else, of which the present release goes on working meanwhile.
func (c Config) apply(ctx context.Context, objects []render.Object) error {
	phases := render.InPhases(objects)
	if err := c.define(ctx, phases.Definitions); err != nil {
		return err
	}
	if err := c.applyAll(ctx, phases.Foundations); err != nil {
		return err
	}
	for _, job := range phases.Jobs {
		if err := c.runJob(ctx, job); err != nil {
			return err
		}
	}
	return c.applyAll(ctx, phases.Rest)
}

// define applies namespaces and kinds, and waits until the API server serves them.
func (c Config) define(ctx context.Context, objects []render.Object) error {
	if err := c.applyAll(ctx, objects); err != nil {
		return err
	}
	wait := []string{"wait", "--for=condition=Established", "--timeout=60s"}
	for _, object := range objects {
		if object.Kind() == "CustomResourceDefinition" {
			wait = append(wait, "crd/"+object.Name())
		}
	}
	if err := c.run(ctx, nil, "kubectl", wait...); err != nil {
		return fmt.Errorf("wait for our kinds: %w", err)
	}
	return nil
}

func (c Config) applyAll(ctx context.Context, objects []render.Object) error {
	stream, err := render.YAML(objects)
	if err != nil {
		return err
	}
	if err := c.run(ctx, stream, "kubectl", "apply", "--server-side", "--field-manager="+fieldManager, "-f", "-"); err != nil {
		return fmt.Errorf("the cluster did not take everything; what it refused is said above. "+
			"What it took stays: put right what is wrong, and deploy again (%w)", err)
	}
	return nil
}

// run runs a program, and shows what it prints.
func (c Config) run(ctx context.Context, input []byte, name string, args ...string) error {
	command := c.command(ctx, input, name, args...)
	command.Stdout = c.Out
	return command.Run()
}

// output runs a program and returns what it prints.
func (c Config) output(ctx context.Context, input []byte, name string, args ...string) (string, error) {
	output, err := c.command(ctx, input, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return string(output), nil
}

func (c Config) command(ctx context.Context, input []byte, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...) //nolint:gosec // The caller chooses the programs.
	command.Dir, command.Stdin, command.Stderr = c.Root, bytes.NewReader(input), os.Stderr
	command.Env = slices.Concat(os.Environ(), []string{"KO_DOCKER_REPO=" + c.Registry, "VERSION=" + c.version})
	return command
}
