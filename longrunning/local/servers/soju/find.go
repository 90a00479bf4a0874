package soju

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"

	"irc.now/longrunning/local/servers/debian"
)

// Program is a soju that runs on this machine.
type Program struct {
	Path    string
	Version string // such as 0.11.1; "" for one that does not tell, taken for one of today
	Env     []string
}

// Find gets soju: from PATH, else from cacheDir, else out of a Debian package into cacheDir. It says on log
// what it does, since a download takes a while. Where nothing works the error tells how to install soju.
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
	p, err := debian.Get(ctx, debian.Request{
		Dir: cacheDir, Name: "soju", Suites: []string{"sid", "trixie"}, Log: log,
		Libraries: map[string]string{"libsqlite3.so.0": "libsqlite3-0", "libpam.so.0": "libpam0g"},
		Probe:     []string{"usr/bin/soju", "-help"},
	})
	if err != nil {
		return Program{}, fmt.Errorf("there is no soju 0.9 or newer to run. Install it (with Homebrew: brew install soju; with Go: "+
			"go install codeberg.org/emersion/soju/cmd/soju@latest) so that it is on PATH, then try again: %w", err)
	}
	return Program{Path: filepath.Join(p.Root, "usr/bin/soju"), Version: p.Version, Env: p.Env()}, nil
}

// usable refuses sojus from before 0.9, which have no limit of networks for each user.
func usable(version string) bool {
	var major, minor int
	if version == "" {
		return true
	}
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return true
	}
	return major > 0 || minor >= 9
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
