package deploy

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"irc.now/knative/render"
)

// keyBytes is the length of random keys.
const keyBytes = 32

// Secrets makes the Secrets that need nobody's decision: random keys. They are all made
// anew; whoever replaces those of a running platform ends its sessions and connections.
func Secrets() ([]byte, error) {
	made, err := render.YAML([]render.Object{
		secret("platform-key", "key", random()),
		secret("token-seal-key", "key", random()),
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
