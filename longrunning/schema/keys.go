package schema

import (
	"context"
	"fmt"
	"log/slog"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"irc.now/shared/config"
	"irc.now/shared/key"
)

// keepKeys gives programs the keys that they prove themselves to each other with, a Secret for each purpose. Here alone
// the platform's key is there to derive them from.
func (s *Secrets) keepKeys(ctx context.Context, platform config.Secret, log *slog.Logger) error {
	for _, purpose := range key.Purposes() {
		data := map[string][]byte{key.Field: []byte(purpose.Of(platform).Reveal())}
		secret := applycorev1.Secret(purpose.Secret(), s.namespace).WithLabels(labels).WithData(data)
		if _, err := s.api.Apply(ctx, secret, metav1.ApplyOptions{FieldManager: fieldOwner, Force: true}); err != nil {
			return fmt.Errorf("write the secret %s: %w", purpose.Secret(), err)
		}
		log.InfoContext(ctx, "key is there", slog.String("purpose", string(purpose)))
	}
	return nil
}
