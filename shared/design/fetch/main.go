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
	"io"
	"os"
	"os/exec"
	"os/signal"
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
	fonts := filepath.Join(dir, "static", "fonts")
	axe := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json")) //nolint:gosec // paths inside the repository, named by constants
	if err != nil {
		return err
	}
	version := fmt.Sprintf("%x\n", sha256.Sum256(lock))
	if complete(fonts, version) && exists(axe) {
		return nil
	}
	npm, err := findNPM(ctx)
	if err != nil {
		return err
	}
	if err := command(ctx, dir, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	if err := copyAll(filepath.Join(dir, "node_modules", "@fontsource-variable"), fonts); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(fonts, stamp), []byte(version), 0o600) //nolint:gosec // a path inside the repository, named by constants
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

// stamp is the file that says which package-lock.json the fonts are from. Static does not serve it.
const stamp = ".version"

func complete(fonts, version string) bool {
	if kept, err := os.ReadFile(filepath.Join(fonts, stamp)); err != nil || string(kept) != version { //nolint:gosec // paths inside the repository, named by constants
		return false
	}
	for _, name := range files {
		if !exists(filepath.Join(fonts, name)) {
			return false
		}
	}
	return true
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

func copyAll(from, to string) error {
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	for source, target := range files {
		if err := copyFile(filepath.Join(from, source), filepath.Join(to, target)); err != nil {
			return fmt.Errorf("copy font: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // paths inside the repository, named by constants
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read from
	out, err := os.Create(to)         //nolint:gosec // paths inside the repository, named by constants
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
