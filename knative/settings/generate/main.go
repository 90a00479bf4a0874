// Command generate writes docs/settings.md. It runs by "make generate", in the folder of package settings.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"irc.now/functions"
	"irc.now/knative/settings"
)

// root is the repository's folder from where `go generate` runs this.
const root = "../.."

func main() {
	page, err := settings.Page(root, functions.About)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, settings.Target), page, 0o644) //nolint:gosec // a page of the repository, for everybody to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate "+settings.Target+":", err)
		os.Exit(1)
	}
}
