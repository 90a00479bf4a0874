// Package terminal runs programs as a person does: in a terminal, by typing lines and looking at the screen. Tests use it to
// do with real IRC clients what our pages say.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/debian"
)

// Program is a program that runs on this machine.
type Program struct {
	Version string
	command []string // what runs it
	root    string   // the folder that stands for / to it; empty for one that is installed
}

// fetching is how long packages may take to come.
const fetching = 5 * time.Minute

// Get gives the program name out of a package of Debian's releases, tried in turn, with all that it needs and nothing of this
// machine's; nothing is installed. Elsewhere than on Debian it is the one on PATH. The test fails where neither is to be had.
func Get(t testing.TB, name, packaged string, suites ...string) Program {
	t.Helper()
	dir, err := servers.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), fetching)
	defer cancel()
	var failed []error
	for _, suite := range suites {
		root, err := debian.Root(ctx, debian.RootRequest{
			Dir: dir, Name: packaged + "-" + suite, Suite: suite, Packages: []string{packaged}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
			// What is not needed to run it: what installs packages, and most of what is big.
			Without: []string{"dpkg", "tar", "gcc-*-base", "perl-modules-*", "libicu*", "python3*", "ruby*", "guile*", "tcl*", "lua*", "php*"},
		})
		if err != nil {
			failed = append(failed, err)
			continue
		}
		p, err := in(root, name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test needs %s: install it, so that it is on PATH (%v)", name, errors.Join(append(failed, err)...))
	}
	return Program{command: []string{path}}
}

// in is the program in a folder that stands for /. It is run with that folder's own loader and libraries.
func in(root debian.Package, name string) (Program, error) {
	folders := found(root.Root, "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*")
	loaders := found(root.Root, "lib/*-linux-gnu*/ld-linux-*.so*", "usr/lib/*-linux-gnu*/ld-linux-*.so*")
	programs := found(root.Root, "usr/bin/"+name, "bin/"+name)
	if len(loaders) == 0 || len(programs) == 0 {
		return Program{}, fmt.Errorf("the packages of %s hold %d of it and %d dynamic linkers", name, len(programs), len(loaders))
	}
	return Program{Version: root.Version, root: root.Root, command: []string{
		loaders[0], "--library-path", strings.Join(folders, ":"), programs[0],
	}}, nil
}

// found are the paths below root that fit one of the patterns.
func found(root string, patterns ...string) []string {
	var all []string
	for _, pattern := range patterns {
		paths, _ := filepath.Glob(filepath.Join(root, pattern))
		all = append(all, paths...)
	}
	return all
}

// environment is what the program finds, in a home of its own.
func (p Program) environment(home string) []string {
	env := []string{
		"HOME=" + home, "TERM=xterm-256color", "LC_ALL=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", "USER=somebody", "LOGNAME=somebody",
	}
	if p.root == "" {
		return env
	}
	for _, folder := range found(p.root, "usr/lib/*/weechat") {
		env = append(env, "WEECHAT_EXTRA_LIBDIR="+folder)
	}
	known := found(p.root, "lib/terminfo", "usr/lib/terminfo", "usr/share/terminfo")
	return append(env, "TERMINFO_DIRS="+strings.Join(known, ":"))
}
