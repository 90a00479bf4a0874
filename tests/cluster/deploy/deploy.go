// Package deploy brings irc.now itself to the test cluster: images of this checkout's programs, the secrets that an
// installation has to have, and the overlay `test`. It waits until everything works, and says what does not.
//
// Real clusters are deployed to by `make deploy`, which needs a registry; this needs none.
package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"irc.now/knative/render"
	"irc.now/tests/cluster/addons"
	"irc.now/tests/cluster/image"
)

// overlay is the one for the test cluster.
const overlay = "test"

// Namespace is where the platform runs.
const Namespace = "irc-now"

// Cluster is where irc.now is deployed to.
type Cluster interface {
	// Config reaches the API server as an administrator.
	Config() (*rest.Config, error)
	// Load brings images to the node; one that it has already costs little.
	Load(ctx context.Context, images ...image.Image) error
}

// Options say what is deployed. All fields are needed.
type Options struct {
	Root     string // our checkout
	Log      *slog.Logger
	Progress io.Writer // gets a line for each step that took time
}

// Images makes the images that the overlay and the tests ask for, and brings them to the node. It gives what manifests
// call them, and what they are.
func Images(ctx context.Context, cluster Cluster, o Options) (map[string]string, error) {
	made, err := image.Ours(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	where := map[string]string{}
	for name, i := range made {
		if err := cluster.Load(ctx, i); err != nil {
			return nil, err
		}
		where[name] = i.Ref
	}
	return where, nil
}

// Overlay makes the images, applies the overlay with them and waits until all of it works. It may be called again at
// any time, and replaces what has changed.
func Overlay(ctx context.Context, cluster Cluster, o Options) error {
	d := deployment{Options: o}
	config, err := cluster.Config()
	if err != nil {
		return fmt.Errorf("reach the cluster: %w", err)
	}
	var first, jobs, rest []*unstructured.Unstructured
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"images", func() error {
			where, err := Images(ctx, cluster, o)
			if err != nil {
				return err
			}
			first, jobs, rest, err = rendered(o.Root, where)
			return err
		}},
		{"secrets", func() error { return secrets(ctx, config) }},
		{"what jobs stand on", func() error { return addons.Apply(ctx, config, first, o.Log) }},
		{"jobs", func() error { return d.run(ctx, config, jobs) }},
		{"everything else", func() error { return addons.Apply(ctx, config, rest, o.Log) }},
		{"waiting until all of it works", func() error { return d.await(ctx, config, slices.Concat(first, rest)) }},
	} {
		began := time.Now()
		if err := s.do(); err != nil {
			return fmt.Errorf("deploy irc.now: %s: %w", s.name, err)
		}
		fmt.Fprintf(o.Progress, "  %s: %.1f s\n", s.name, time.Since(began).Seconds())
	}
	return nil
}

type deployment struct{ Options }

// rendered are the overlay's objects with the images that were made, in the order of knative/deploy: what jobs stand on,
// jobs, and the rest.
func rendered(root string, where map[string]string) (first, jobs, rest []*unstructured.Unstructured, err error) {
	made, err := render.Overlay(root, overlay)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := errors.Join(render.ReplaceImages(made, where), render.NameJobs(made)); err != nil {
		return nil, nil, nil, err
	}
	phases := render.InPhases(made)
	first, err = unstructuredOf(slices.Concat(phases.Definitions, phases.Foundations))
	if err != nil {
		return nil, nil, nil, err
	}
	if jobs, err = unstructuredOf(phases.Jobs); err != nil {
		return nil, nil, nil, err
	}
	if rest, err = unstructuredOf(phases.Rest); err != nil {
		return nil, nil, nil, err
	}
	return first, jobs, rest, postgres(first, where[image.PostgreSQL])
}

func unstructuredOf(made []render.Object) ([]*unstructured.Unstructured, error) {
	objects := make([]*unstructured.Unstructured, 0, len(made))
	for _, object := range made {
		text, err := json.Marshal(object) // the client wants numbers as JSON's, kustomize gives YAML's
		if err != nil {
			return nil, err
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(text); err != nil {
			return nil, fmt.Errorf("read %s: %w", object, err)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// postgres gives the database the image that was made: its tag is of its content.
func postgres(objects []*unstructured.Unstructured, ref string) error {
	at := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool {
		return o.GroupVersionKind().Group == "postgresql.cnpg.io" && o.GetKind() == "Cluster"
	})
	if at < 0 || ref == "" {
		return fmt.Errorf("the overlay %s has no database to give the image %q", overlay, ref)
	}
	return unstructured.SetNestedField(objects[at].Object, ref, "spec", "imageName")
}
