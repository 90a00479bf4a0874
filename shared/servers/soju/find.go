package soju

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"irc.now/shared/servers/debian"
)

// Program is a soju that runs on this machine.
type Program struct {
	Path    string
	Version string // such as 0.11.1; "" for one that does not tell, taken for one of today
	Env     []string
}

// Where the module build comes from, and what it is; tests/tools pins the same version.
const (
	modulePackage = "git.sr.ht/~emersion/soju/cmd/soju"
	moduleVersion = "0.8.0"
)

// Find gets soju: from PATH, else from cacheDir, else out of a Debian package into cacheDir, at last by
// building the Go module. It says on log what it does, since a download takes a while. Where nothing works
// the error tells how to install soju.
func Find(ctx context.Context, cacheDir string, log *slog.Logger) (Program, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if path, err := exec.LookPath("soju"); err == nil {
		version := versionOf(ctx, path)
		if usable(version) {
			return Program{Path: path, Version: version}, nil
		}
		log.InfoContext(ctx, "the installed soju is too old", slog.String("version", version))
	}
	p, err := fromDebian(ctx, cacheDir, log)
	if err == nil {
		return p, nil
	}
	if ctx.Err() != nil {
		return Program{}, err
	}
	built, buildErr := fromModule(ctx, cacheDir, log)
	if buildErr == nil {
		return built, nil
	}
	return Program{}, fmt.Errorf("there is no soju to run. Install it (on Debian: apt-get install soju; with Homebrew: brew install soju; "+
		"elsewhere see soju.im) so that it is on PATH, then try again: %w", errors.Join(err, buildErr))
}

// usable refuses sojus from before 0.8, which do not take passwords with auth oauth2.
func usable(version string) bool {
	var major, minor int
	if version == "" {
		return true
	}
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return true
	}
	return major > 0 || minor >= 8
}

// versionOf asks whoever installed the program: soju itself has no flag for it.
func versionOf(ctx context.Context, path string) string {
	if info, err := buildinfo.ReadFile(path); err == nil && strings.HasPrefix(info.Main.Version, "v") {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	if path == "/usr/bin/soju" {
		return debian.InstalledVersion(ctx, "soju")
	}
	return ""
}

func fromDebian(ctx context.Context, cacheDir string, log *slog.Logger) (Program, error) {
	p, err := debian.Get(ctx, debian.Request{
		Dir: cacheDir, Name: "soju", Suites: []string{"sid", "trixie"}, Log: log,
		Libraries: map[string]string{"libsqlite3.so.0": "libsqlite3-0", "libpam.so.0": "libpam0g"},
		Probe:     []string{"usr/bin/soju", "-help"},
	})
	if err != nil {
		return Program{}, err
	}
	return Program{Path: filepath.Join(p.Root, "usr/bin/soju"), Version: p.Version, Env: p.Env()}, nil
}

// fromModule builds the version that the module proxy has, from tests/tools, which pins it.
func fromModule(ctx context.Context, cacheDir string, log *slog.Logger) (Program, error) {
	target := filepath.Join(cacheDir, "bin", "soju-"+moduleVersion+"-"+runtime.GOOS+"-"+runtime.GOARCH)
	p := Program{Path: target, Version: moduleVersion}
	if _, err := os.Stat(target); err == nil {
		return p, nil
	}
	tools := filepath.Join(cacheDir, "..", "..", "tests", "tools")
	if _, err := os.Stat(filepath.Join(tools, "go.mod")); err != nil {
		return Program{}, fmt.Errorf("build soju: %w", err)
	}
	log.InfoContext(ctx, "building soju from its Go module", slog.String("version", moduleVersion))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return Program{}, fmt.Errorf("build soju: %w", err)
	}
	// Built aside and renamed, so that a program that is there is whole.
	aside := fmt.Sprintf("%s.%d", target, os.Getpid())
	build := exec.CommandContext(ctx, "go", "build", "-tags", "nosqlite", "-o", aside, modulePackage)
	build.Dir = tools
	if out, err := build.CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("build soju: %w: %s", err, cmp.Or(strings.TrimSpace(string(out)), "no output"))
	}
	return p, os.Rename(aside, target)
}
