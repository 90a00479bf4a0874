package machine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"irc.now/tests/cluster/image"
)

// ctr runs containerd's own client in the namespace of Kubernetes' containers.
func (m *Machine) ctr(ctx context.Context, args ...string) (string, error) {
	return run(ctx, m.program("containerd", "ctr"), append([]string{"--address", socket, "--namespace", "k8s.io"}, args...)...)
}

func (m *Machine) containerdAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := m.ctr(ctx, "version")
	return err
}

// Images are the names of all images on the node.
func (m *Machine) Images(ctx context.Context) ([]string, error) {
	list, err := m.ctr(ctx, "images", "list", "--quiet")
	return strings.Fields(list), err
}

// Load imports images that the node does not have. Their tags are made of their content, so one of the same name is
// the same.
func (m *Machine) Load(ctx context.Context, images ...image.Image) error {
	there, err := m.Images(ctx)
	if err != nil {
		return fmt.Errorf("list the node's images: %w", err)
	}
	for _, i := range images {
		if slices.Contains(there, i.Ref) {
			continue
		}
		began := time.Now()
		if _, err := m.ctr(ctx, "images", "import", i.File); err != nil {
			return fmt.Errorf("import %s: %w", i.Ref, err)
		}
		there = append(there, i.Ref)
		m.config.Log.InfoContext(ctx, "imported an image", slog.String("image", i.Ref), slog.Duration("took", time.Since(began)))
	}
	return nil
}

// pauseImage is what holds a pod's network. It is made before containerd is configured, which needs its name.
func (m *Machine) pauseImage(ctx context.Context) error {
	made, err := image.Go(ctx, "irc.now/tests/cluster/machine/pause", image.Options{Name: "irc-now/pause", Log: m.config.Log})
	m.pause = made
	return err
}

func (m *Machine) loadPause(ctx context.Context) error { return m.Load(ctx, m.pause) }
