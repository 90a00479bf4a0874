// Generate writes docs/events.md from the payload types of package event, their comments included. Run it by
// `go generate ./shared/event`.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate docs/events.md:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	page, err := render(root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, target), page, 0o644) //nolint:gosec // a page of the repository, for everybody to read
}

// target is the page, below the module's root.
var target = filepath.Join("docs", "events.md")

// findRoot is the nearest folder upwards with a go.mod.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above %s", dir)
		}
		dir = parent
	}
}
