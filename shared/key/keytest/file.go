// Package keytest gives tests keys where programs look for them.
package keytest

import (
	"os"
	"path/filepath"
	"testing"

	"irc.now/shared/config"
)

// File is a file with the key in it, for as long as the test runs.
func File(t testing.TB, key config.Secret) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
