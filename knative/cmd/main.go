// Command knative renders the manifests below knative/ and brings them onto a cluster; see docs/deploying.md.
//
//	knative render FOLDER              write every overlay's manifests to FOLDER/<overlay>.yaml
//	knative secrets                    print the Secrets that need nobody's decision, for kubectl create -f -
//	knative deploy OVERLAY REGISTRY    build and push the images, and apply the overlay
//
// It runs in the root of the repository.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"irc.now/knative/deploy"
	"irc.now/knative/render"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "render":
		return renderAll(args[1])
	case len(args) == 1 && args[0] == "secrets":
		secrets, err := deploy.Secrets()
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(secrets)
		return err
	case len(args) == 3 && args[0] == "deploy":
		return deploy.Run(ctx, deploy.Config{
			Root: ".", Overlay: args[1], Registry: args[2], Engine: os.Getenv("CONTAINER_ENGINE"), Ko: "bin/ko", Out: os.Stdout,
			Rebuild: os.Getenv("REBUILD") == "yes", Leave: os.Getenv("APPLY") == "no", Applied: filepath.Join("bin", "applied", args[1]+".yaml"),
		})
	}
	return errors.New("usage: knative render FOLDER | knative secrets | knative deploy OVERLAY REGISTRY")
}

func renderAll(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // manifests are for everybody to read
		return err
	}
	overlays, err := render.Overlays(".")
	if err != nil {
		return err
	}
	for _, overlay := range overlays {
		objects, err := render.Overlay(".", overlay)
		if err != nil {
			return err
		}
		stream, err := render.YAML(objects)
		if err != nil {
			return err
		}
		file := filepath.Join(folder, overlay+".yaml")
		if err := os.WriteFile(file, stream, 0o644); err != nil { //nolint:gosec // as above
			return err
		}
		fmt.Printf("%s: %d objects\n", file, len(objects))
	}
	return nil
}
