package ergo

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"irc.now/longrunning/local/servers"
)

// compiled is a program that does nothing, built with the tags.
func compiled(t *testing.T, tags string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module none\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "go", "build", "-tags="+tags, "-o", "program", ".")
	command.Dir, command.Env = dir, append(os.Environ(), "GOFLAGS=")
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return filepath.Join(dir, "program")
}

func TestAProgramTellsWhetherItKnowsPostgreSQL(t *testing.T) {
	for tags, want := range map[string]bool{"": false, "postgresql": true, "mysql,postgresql": true, "nopostgresql": false} {
		if got := hasPostgreSQL(compiled(t, tags)); got != want {
			t.Errorf("built with %q: %t", tags, got)
		}
	}
	if script := executable(t, "2.18.0"); hasPostgreSQL(script) {
		t.Error("a program that tells nothing is said to know it")
	}
}

// executable stands for an ergo of that version.
func executable(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ergo")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho ergo-"+version+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnInstalledErgoIsTakenWhereItIsNewEnough(t *testing.T) {
	path := executable(t, "2.16.1")
	t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
	var said strings.Builder
	p, err := Find(t.Context(), t.TempDir(), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil || p.Path != path || p.Version != "2.16.1" || p.PostgreSQL {
		t.Errorf("got %+v, %v", p, err)
	}
	if !strings.Contains(said.String(), "without PostgreSQL") || !strings.Contains(said.String(), path) {
		t.Errorf("it says %s", said.String())
	}
	old := executable(t, "2.14.0")
	t.Setenv("PATH", filepath.Dir(old))
	if p, ok := installed(t.Context()); ok {
		t.Errorf("too old a one is taken: %+v", p)
	}
}

// Where nothing can be compiled, history stays in memory, and it is said why.
func TestWithoutACompilerDebiansOwnIsTaken(t *testing.T) {
	kept, err := servers.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := packaged(t.Context(), kept, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	dir, tools := t.TempDir(), t.TempDir()
	if err := os.Symlink(filepath.Join(kept, "debian"), filepath.Join(dir, "debian")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tools, "go"), []byte("#!/bin/sh\necho out of order >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	var said strings.Builder
	p, err := Find(t.Context(), dir, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil || p.PostgreSQL || p.Version == "" {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, want := range []string{"no ergo with PostgreSQL could be built", "go build: exit status 1: out of order", "history is forgotten"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
}

func TestTheBuiltErgoKnowsPostgreSQL(t *testing.T) {
	dir, err := servers.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Build(t.Context(), dir, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		t.Fatal(err)
	}
	version, ok := versionOf(t.Context(), p.Path)
	if !ok || version != p.Version || !usable(version) || !p.PostgreSQL {
		t.Errorf("%+v says that it is %q", p, version)
	}
}
