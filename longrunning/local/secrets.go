package local

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// secrets are what the parts prove themselves to each other with. They are made once per data folder. Their type
// prints nothing of them; only the file does.
type secrets struct{ values secretValues }

type secretValues struct {
	DemoPassword  string `json:"demo_password"`
	IdentityKey   []byte `json:"identity_key"`
	TokenSealKey  []byte `json:"token_seal_key"`
	PlatformKey   string `json:"platform_key"` // what parts prove themselves to each other with is derived from it
	StripeKey     string `json:"stripe_key"`
	StripeWebhook string `json:"stripe_webhook_secret"`
}

func (secrets) String() string { return "[redacted]" }

const keyLength = 32

func newSecrets() secretValues {
	key := func() []byte {
		made := make([]byte, keyLength)
		_, _ = rand.Read(made) // never fails (crypto/rand)
		return made
	}
	return secretValues{
		DemoPassword: rand.Text()[:16], IdentityKey: key(), TokenSealKey: key(), PlatformKey: rand.Text() + rand.Text(),
		StripeKey: "sk_test_" + rand.Text(), StripeWebhook: "whsec_" + rand.Text(),
	}
}

// loadSecrets reads dir's secrets and makes what is missing: all of them at the first start, new ones later.
func loadSecrets(dir string) (secrets, error) {
	path := filepath.Join(dir, "secrets.json")
	made := newSecrets()
	text, err := os.ReadFile(path) //nolint:gosec // the folder is the owner's choice
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return secrets{}, fmt.Errorf("read secrets: %w", err)
	}
	if err == nil {
		// What the file names replaces what was just made.
		if err := json.Unmarshal(text, &made); err != nil || len(made.IdentityKey) != keyLength || len(made.TokenSealKey) != keyLength {
			return secrets{}, fault.Wrap(err, fault.Invalid,
				"%s cannot be read. Remove it to have new secrets made; everybody is signed out then.", path)
		}
	}
	complete, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return secrets{}, fmt.Errorf("encode secrets: %w", err)
	}
	if bytes.Equal(complete, text) {
		return secrets{made}, nil
	}
	return secrets{made}, writeFile(path, complete)
}

// writeFile replaces a file whole, readable by us only: a full disk must not leave half of it.
func writeFile(path string, text []byte) error {
	aside := path + ".new"
	if err := os.WriteFile(aside, text, 0o600); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", filepath.Base(path), err), os.Remove(aside))
	}
	if err := os.Rename(aside, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func (s secrets) identityKey() [32]byte { return [32]byte(s.values.IdentityKey) }

func (s secrets) tokenSealKey() string {
	return base64.StdEncoding.EncodeToString(s.values.TokenSealKey)
}

// client is the secret of the OAuth client called name.
func (s secrets) client(name string) config.Secret { return s.derive("oauth client", name) }

// bouncerAdmin is the token that bounceradmin wants.
func (s secrets) bouncerAdmin() config.Secret { return s.derive("bounceradmin", "soju") }

// brokerPath is what the broker's address ends in.
func (s secrets) brokerPath() config.Secret { return s.derive("broker", "path") }

func (s secrets) derive(purpose, name string) config.Secret {
	return config.Secret(s.values.PlatformKey).Derive(purpose, name)
}
