package deploy

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"irc.now/knative/render"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
)

// sharedBouncer is the name of the bouncer of everybody without one of their own.
const sharedBouncer = "soju-shared"

// keyBytes is the length of random keys.
const keyBytes = 32

// Secrets makes the Secrets that need nobody's decision: random keys, and what follows from them. They are all made
// anew; whoever replaces those of a running platform ends its sessions and connections.
func Secrets() ([]byte, error) {
	platform := config.Secret(random())
	client := bouncer.IntrospectSecret(platform, sharedBouncer).Reveal()
	made, err := render.YAML([]render.Object{
		secret("platform-key", "key", platform.Reveal()),
		secret("token-seal-key", "key", random()),
		secret("soju-shared-admin", "token", bouncer.AdminToken(platform, sharedBouncer).Reveal()),
		secret("introspect", "clients", sharedBouncer+":"+client),
	})
	if err != nil {
		return nil, fmt.Errorf("write the secrets: %w", err)
	}
	return made, nil
}

// random is a key in base64.
func random() string {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // it never fails
	return base64.StdEncoding.EncodeToString(key)
}

func secret(name, key, value string) render.Object {
	return render.Object{
		"apiVersion": "v1", "kind": "Secret",
		"metadata":   map[string]any{"name": name, "namespace": namespace},
		"stringData": map[string]any{key: value},
	}
}
