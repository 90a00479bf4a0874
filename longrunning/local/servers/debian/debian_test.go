package debian

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheMirrorIsTheMachinesOwn(t *testing.T) {
	root := t.TempDir()
	write(t, root, "etc/apt/sources.list.d/debian.sources", `# modernised
Types: deb deb-src
URIs: http://mirror.example/debian
 http://second.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`)
	write(t, root, "etc/apt/sources.list.d/vendor.list", "deb [arch=amd64 signed-by=/k.gpg] https://vendor.example/apt stable main\n")
	write(t, root, "etc/apt/sources.list", `
deb-src http://sources.example/debian bookworm main
deb [ trusted=no ] http://line.example/debian bookworm main # ours
deb http://line.example/security bookworm-security main
`)
	want := []string{
		"http://mirror.example/debian", "http://second.example/debian/", "http://line.example/debian", "https://vendor.example/apt",
	}
	if got := mirrors(root); !slices.Equal(got, want) {
		t.Errorf("mirrors = %q, want %q", got, want)
	}
}

func TestUpstreamVersions(t *testing.T) {
	for version, want := range map[string]string{
		"0.11.1-1\n": "0.11.1", "2.18.0+ds-1": "2.18.0", "1:3.4-2~deb12u1": "3.4", "5": "5",
	} {
		if got := upstream(version); got != want {
			t.Errorf("upstream(%q) = %q, want %q", version, got, want)
		}
	}
}

func TestTheLockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := lock(short, path); err == nil {
		t.Fatal("a second holder got the lock")
	}
	unlock()
	again, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// A small package stands for the servers; it goes the same way: mirror, signature, hash, unpacking.
func TestAPackageIsFetchedOnceAndWhole(t *testing.T) {
	if _, err := available(); err != nil {
		t.Fatalf("this test needs a Debian system: %v", err)
	}
	dir := t.TempDir()
	request := Request{Dir: dir, Name: "hello", Suites: []string{"no-such-release", "sid", "trixie"}, Probe: []string{"usr/bin/hello"}}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			p, err := Get(t.Context(), request)
			if err != nil {
				t.Error(err)
				return
			}
			if p.Version == "" || p.Suite == "no-such-release" {
				t.Errorf("package = %+v", p)
			}
			if _, err := os.Stat(filepath.Join(p.Root, "usr/bin/hello")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	left, _ := filepath.Glob(filepath.Join(dir, "debian", ".work-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWhatIsBuiltFromSourceIsMadeOnceAndWhole(t *testing.T) {
	dir := t.TempDir()
	var builds int
	request := Request{
		Dir: dir, Name: "ergochat", Suites: []string{"sid"}, Probe: []string{"usr/bin/told"},
		Build: func(_ context.Context, source, root string) error {
			builds++
			if builds == 1 {
				return errors.New("out of order")
			}
			if _, err := os.Stat(filepath.Join(source, "irc", "postgresql", "history.go")); err != nil {
				return err
			}
			write(t, root, "usr/bin/told", "#!/bin/sh\n")
			return os.Chmod(filepath.Join(root, "usr/bin/told"), 0o755)
		},
	}
	if _, err := Get(t.Context(), request); err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("a build that fails: %v", err)
	}
	p, err := Get(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Get(t.Context(), request); err != nil || !reflect.DeepEqual(again, p) || builds != 2 {
		t.Errorf("%+v, %v after %d builds", again, err, builds)
	}
	if p.Version == "" || strings.Contains(p.Version, "+") || p.Suite != "sid" {
		t.Errorf("package = %+v", p)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "debian-source", "*", "source"))
	work, _ := filepath.Glob(filepath.Join(dir, "debian-source", ".work-*"))
	if len(left)+len(work) > 0 {
		t.Errorf("left behind: %v, %v", left, work)
	}
}

// The archives hold a file that wants out of its folder, and a file below a link out of it.
func TestASourceStaysInItsFolder(t *testing.T) {
	for archive, refused := range map[string]bool{"testdata/upwards.tar.xz": true, "testdata/linked.tar.xz": false} {
		above := t.TempDir()
		source := filepath.Join(above, "source")
		if err := unpackSource(archive, source); (err != nil) != refused {
			t.Errorf("%s: %v", archive, err)
		}
		if entries, err := os.ReadDir(above); err != nil || len(entries) != 1 {
			t.Errorf("%s: %v; beside the source is %v", archive, err, entries)
		}
		if _, err := os.Stat(filepath.Join(source, "inside")); err != nil {
			t.Error(err)
		}
	}
}

func TestARootHasWhatItsPackagesNeedAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	request := RootRequest{Dir: dir, Name: "hello", Suite: "bookworm", Packages: []string{"hello"}, Without: []string{"gcc-*-base"}}
	root, err := Root(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if root.Version == "" || root.Suite != "bookworm" {
		t.Errorf("root = %+v", root)
	}
	for name, want := range map[string]bool{"usr/bin/hello": true, "lib/*/libc.so.6": true, "usr/share/doc/gcc-*-base": false, "var/lib/dpkg": false} {
		found, err := filepath.Glob(filepath.Join(root.Root, name))
		if err != nil || (len(found) > 0) != want {
			t.Errorf("%s is %v, %v", name, found, err)
		}
	}
	if again, err := Root(t.Context(), request); err != nil || again != root {
		t.Errorf("asked again, it is %+v, %v", again, err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "debian-root", ".work-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPackagesAreReadFromWhatAptWouldFetch(t *testing.T) {
	got := printed("'http://mirror.example/pool/h/hello.deb' hello_2.10-3_amd64.deb 53080 SHA256:ab\n" +
		"'http://mirror.example/pool/z/zlib.deb' zlib1g_1%3a1.2.13_amd64.deb 86740 SHA256:cd\nNotice: nothing\n")
	if want := []string{"hello", "zlib1g"}; !slices.Equal(got, want) {
		t.Errorf("packages = %q, want %q", got, want)
	}
}
