// Package addons installs what irc.now needs of a cluster into the bare one that the tests bring up: Knative Serving
// and Eventing, Traefik with the Gateway API, cert-manager with an authority, CloudNativePG and storage.
//
// Manifests come from the same modules as the programs, and images are made of the programs; no registry is asked. What
// is installed already and would not change is left alone. It installs nothing of irc.now's own: that is the overlay's.
package addons

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/tests/cluster/build"
	"irc.now/tests/cluster/image"
)

// Domain is that of public hosts: a Knative Service named portal answers at portal.irc.test.
const Domain = "irc.test"

// Cluster is where add-ons are installed.
type Cluster interface {
	// Config reaches the API server as an administrator.
	Config() (*rest.Config, error)
	// Load brings images to the node; one that it has already costs little.
	Load(ctx context.Context, images ...image.Image) error
}

// Options say what is particular to a machine.
type Options struct {
	Root    string // our checkout, with the programs built under .cache
	Volumes string // the node's folder for volumes, absolute
	Address string // where ports 80, 443 and 6697 answer from outside: an address of the node
	Log     *slog.Logger
}

// managerProgram is CloudNativePG's only program.
const managerProgram = "github.com/cloudnative-pg/cloudnative-pg/cmd/manager"

// Install installs every add-on and waits until all of them work. It may be called again at any time.
func Install(ctx context.Context, cluster Cluster, o Options) error {
	config, err := cluster.Config()
	if err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	c, err := newClient(config)
	if err != nil {
		return err
	}
	i := installer{Client: c, Options: o, image: func(ctx context.Context, program string) (image.Image, error) {
		made, err := imageOf(ctx, o, program)
		if err != nil {
			return image.Image{}, fmt.Errorf("making the image of %s: %w", program, err)
		}
		return made, cluster.Load(ctx, made)
	}}
	began := time.Now()
	for _, part := range components {
		if err := i.install(ctx, part); err != nil {
			return fmt.Errorf("installing %s: %w", part.name, err)
		}
	}
	if err := publish(ctx, c, o.Address); err != nil {
		return err
	}
	if err := i.revive(ctx); err != nil {
		return err
	}
	if err := i.wait(ctx); err != nil {
		return err
	}
	o.Log.InfoContext(ctx, "the add-ons work", slog.Duration("took", time.Since(began).Round(time.Millisecond)))
	return nil
}

type installer struct {
	client.Client
	Options
	// image makes the image of a program, known by its package, and brings it to the node.
	image func(ctx context.Context, program string) (image.Image, error)
}

// install makes a component's images and applies its objects.
func (i installer) install(ctx context.Context, part component) error {
	began := time.Now()
	objects, err := i.objects(ctx, part)
	if err != nil {
		return err
	}
	same, sum, err := i.installed(ctx, part.name, objects)
	if err != nil {
		return err
	}
	if same {
		i.Log.InfoContext(ctx, "installed already", slog.String("addon", part.name))
		return nil
	}
	if err := i.apply(ctx, objects); err != nil {
		return err
	}
	if err := i.remember(ctx, part.name, sum); err != nil {
		return err
	}
	i.Log.InfoContext(ctx, "applied", slog.String("addon", part.name), slog.Int("objects", len(objects)),
		slog.Duration("took", time.Since(began).Round(time.Millisecond)))
	return nil
}

// objects are a component's, with the images that this call has made and loaded.
func (i installer) objects(ctx context.Context, part component) ([]*object, error) {
	objects, err := part.objects(ctx, i.Options, sources{root: i.Root})
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for _, program := range programs(objects) {
		made, err := i.image(ctx, program)
		if err != nil {
			return nil, err
		}
		refs[koScheme+program] = made.Ref
	}
	substitute(objects, func(value string) string {
		if ref, ok := refs[value]; ok {
			return ref
		}
		return value
	})
	inOrder(objects)
	return objects, nil
}

// imageOf makes the image of a program out of the binary that tests/cluster/build has built, or out of our own package.
func imageOf(ctx context.Context, o Options, program string) (image.Image, error) {
	module, name := builtBy(program)
	settings := image.Options{Name: "addons/" + path.Join(module, name), Log: o.Log}
	if module == "" {
		return image.Go(ctx, program, settings)
	}
	if program == managerProgram {
		// The operator's pods and PostgreSQL's look for it under these names.
		self := "/ko-app/" + name
		settings.Links = map[string]string{"/manager": self, "/operator/manager_" + runtime.GOARCH: self}
		settings.Entrypoint = []string{"/manager"}
	}
	return image.Go(ctx, build.Config{Root: o.Root}.Program(module, name), settings)
}

// builtBy says which module under tests/tools builds a program and how its file is called. Programs of our own module
// have none.
func builtBy(program string) (module, name string) {
	for _, known := range []struct{ prefix, module string }{
		{"knative.dev/serving/", "serving"},
		{"knative.dev/eventing/", "eventing"},
		{"github.com/traefik/traefik/", "traefik"},
		{"github.com/cloudnative-pg/", "cnpg"},
		{"irc.now/tests/tools/certmanager", "certmanager"},
	} {
		if strings.HasPrefix(program, known.prefix) {
			return known.module, path.Base(program)
		}
	}
	return "", path.Base(program)
}
