package operator

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

const (
	askEvery = 2 * time.Second
	askTime  = 5 * time.Second
)

// awaitServer returns when the API server is ready, or ctx ends. An operator that ended instead would be started again
// after longer and longer breaks, and so come back minutes after the API server does.
func (o *operator) awaitServer(ctx context.Context, cluster *rest.Config) error {
	server, err := discovery.NewDiscoveryClientForConfig(cluster)
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	said := ""
	return wait.PollUntilContextCancel(ctx, askEvery, true, func(ctx context.Context) (bool, error) {
		_, err := server.RESTClient().Get().AbsPath("/readyz").Timeout(askTime).DoRaw(ctx)
		if err == nil || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
			return true, nil // what it forbids is told by what asks for it
		}
		if text := err.Error(); text != said && ctx.Err() == nil {
			said = text
			o.Log.WarnContext(ctx, "waiting for the API server", "error", err)
		}
		return false, nil
	})
}
