// Package servers holds what the packages that run foreign servers share: where programs are cached, and
// free ports for servers that cannot tell which one they chose.
package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CacheDir is where fetched programs are kept: .cache/servers beside the go.mod above the working
// directory. Deleting it costs a download.
func CacheDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".cache", "servers"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: no go.mod above the working directory")
		}
		dir = parent
	}
}
