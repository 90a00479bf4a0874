// Fetch gets the web fonts (and the accessibility checker the tests use) from the npm registry, at the
// versions package-lock.json pins, and copies the fonts with their licences to shared/design/static/fonts,
// where the next build embeds them. It does nothing when those of this package-lock.json are there already. Run it from anywhere in the repository:
//
//	go run ./shared/design/fetch
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
)

// files are copied from node_modules/@fontsource-variable to static/fonts. fonts.css names the same ones.
var files = map[string]string{
	"newsreader/files/newsreader-latin-opsz-normal.woff2":     "newsreader-latin-opsz-normal.woff2",
	"newsreader/files/newsreader-latin-ext-opsz-normal.woff2": "newsreader-latin-ext-opsz-normal.woff2",
	"newsreader/files/newsreader-latin-wght-italic.woff2":     "newsreader-latin-wght-italic.woff2",
	"newsreader/LICENSE":                                              "newsreader-LICENSE.txt",
	"outfit/files/outfit-latin-wght-normal.woff2":                     "outfit-latin-wght-normal.woff2",
	"outfit/files/outfit-latin-ext-wght-normal.woff2":                 "outfit-latin-ext-wght-normal.woff2",
	"outfit/LICENSE":                                                  "outfit-LICENSE.txt",
	"jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2":     "jetbrains-mono-latin-wght-normal.woff2",
	"jetbrains-mono/files/jetbrains-mono-latin-ext-wght-normal.woff2": "jetbrains-mono-latin-ext-wght-normal.woff2",
	"jetbrains-mono/LICENSE":                                          "jetbrains-mono-LICENSE.txt",
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fetch fonts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := designDir()
	if err != nil {
		return err
	}
	design, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer design.Close()
	lock, err := design.ReadFile("package-lock.json")
	if err != nil {
		return err
	}
	version := fmt.Sprintf("%x\n", sha256.Sum256(lock))
	if complete(design, version) {
		return nil
	}
	npm, err := findNPM(ctx)
	if err != nil {
		return err
	}
	if err := command(ctx, dir, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	if err := copyAll(design); err != nil {
		return fmt.Errorf("copy fonts: %w", err)
	}
	return design.WriteFile(stamp, []byte(version), 0o600)
}

// designDir finds shared/design by walking up from the working directory to the module's root.
func designDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		design := filepath.Join(dir, "shared", "design")
		if exists(filepath.Join(dir, "go.mod")) && exists(filepath.Join(design, "package-lock.json")) {
			return design, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("run it inside the repository")
		}
		dir = parent
	}
}

// Paths below shared/design. The stamp says which package-lock.json the fonts are from; Static does not serve it.
const (
	fonts    = "static/fonts"
	stamp    = fonts + "/.version"
	packages = "node_modules/@fontsource-variable"
	axe      = "node_modules/axe-core/axe.min.js"
)

func complete(design *os.Root, version string) bool {
	if kept, err := design.ReadFile(stamp); err != nil || string(kept) != version {
		return false
	}
	_, err := design.Stat(axe)
	for _, name := range files {
		_, missing := design.Stat(path.Join(fonts, name))
		err = errors.Join(err, missing)
	}
	return err == nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// findNPM finds npm; as root on Debian it installs it.
func findNPM(ctx context.Context) (string, error) {
	if npm, err := exec.LookPath("npm"); err == nil {
		return npm, nil
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return "", fmt.Errorf("npm is not installed: install Node.js (%s), or build without the web fonts: pages then use the system's", installHint())
	}
	fmt.Fprintln(os.Stderr, "installing npm (apt-get install npm)…")
	for _, arguments := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", "npm"}} {
		if err := command(ctx, "", apt, arguments...); err != nil {
			return "", fmt.Errorf("apt-get %s: %w", arguments[0], err)
		}
	}
	return exec.LookPath("npm")
}

func installHint() string {
	if runtime.GOOS == "darwin" {
		return "brew install node"
	}
	return "on Debian: sudo apt-get install npm"
}

// command runs a program whose output goes to standard error.
func command(ctx context.Context, dir, program string, arguments ...string) error {
	c := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // npm or apt-get, with constant arguments
	c.Dir, c.Stdout, c.Stderr = dir, os.Stderr, os.Stderr
	c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return c.Run()
}

func copyAll(design *os.Root) error {
	if err := design.MkdirAll(fonts, 0o750); err != nil {
		return err
	}
	for from, to := range files {
		font, err := design.ReadFile(path.Join(packages, from))
		if err != nil {
			return err
		}
		if err := design.WriteFile(path.Join(fonts, to), font, 0o644); err != nil {
			return err
		}
	}
	return nil
}
