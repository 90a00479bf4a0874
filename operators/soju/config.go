package soju

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
	"irc.now/shared/bouncer"
)

// Ports of the pod. soju serves metrics to its own machine only, so they have no place in a Service.
const (
	portIRC     = 6697 // of the front
	portFront   = 8091 // health and metrics of the front: ready while soju is
	portSocket  = 8080 // IRC over WebSocket: behind web chat's nginx, or the platform's for the shared bouncer
	portChat    = 8081
	portAdmin   = v1alpha1.AdminPort
	portMetrics = 9090
)

// Paths in the containers.
const (
	configFolder      = "/etc/soju"
	configFile        = "soju.conf"
	certificateFolder = configFolder + "/tls"
	adminFolder       = "/run/soju" // soju's admin socket, which the front must not reach
	adminSocket       = adminFolder + "/admin"
	ircFolder         = "/run/irc"
	ircSocket         = ircFolder + "/soju"
)

// keyToken is bounceradmin's token in the configuration's Secret, beside configFile.
const keyToken = "admin-token"

// hostOf is the name that clients connect to, which the certificate is for. The shared bouncer's leads to it by a route
// of the platform's own (knative/components/gateway, knative/overlays/openshift).
func hostOf(b *v1alpha1.SojuBouncer, s Settings) string {
	if shared(b) {
		return "irc." + s.Domain
	}
	return b.Name + "." + s.Domain
}

func shared(b *v1alpha1.SojuBouncer) bool { return b.Spec.Role == v1alpha1.RoleShared }

// configFor is soju's configuration.
func configFor(b *v1alpha1.SojuBouncer, s Settings, database reconciler.Access) ([]byte, error) {
	oauth, err := bouncer.IntrospectURL(s.IntrospectURL, s.IntrospectKey, b.Spec.Owner)
	if err != nil {
		return nil, err
	}
	socket := fmt.Sprintf("ws+insecure://127.0.0.1:%d", portSocket)
	if shared(b) {
		socket = fmt.Sprintf("ws+insecure://:%d", portSocket)
	}
	title := b.Spec.Title
	if title == "" {
		title = hostOf(b, s)
	}
	c := bouncer.Config{
		Hostname: hostOf(b, s), Title: title, AdminSocket: adminSocket, IRCSocket: ircSocket,
		Listen:      []string{socket, fmt.Sprintf("http+prometheus://localhost:%d", portMetrics)},
		DatabaseURL: database.URI, OAuthURL: oauth,
		MaxUserNetworks: int(b.Spec.MaxUserNetworks), MessageExpiryDays: int(b.Spec.MessageExpiryDays),
	}
	return c.Render()
}

// configSecretFor holds soju's configuration and bounceradmin's token.
func configSecretFor(b *v1alpha1.SojuBouncer, s Settings, configuration []byte) *corev1.Secret {
	names := naming.Bouncer(b.Name)
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: names.ConfigSecret(), Labels: names.Labels(b.Spec.Owner)},
		Type:       corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			configFile: configuration,
			keyToken:   []byte(bouncer.AdminToken(s.AdminKey, b.Name).Reveal()),
		},
	}
}
