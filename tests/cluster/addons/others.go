package addons

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

// Apply applies objects that are no add-on's in the order that a cluster wants them: namespaces and definitions first,
// webhooks last. It tries for a while where a webhook does not answer yet.
func Apply(ctx context.Context, config *rest.Config, objects []*unstructured.Unstructured, log *slog.Logger) error {
	c, err := newClient(config)
	if err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	inOrder(objects)
	return installer{Client: c, Options: Options{Log: log}}.apply(ctx, objects)
}
