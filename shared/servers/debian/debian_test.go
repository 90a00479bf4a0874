package debian

import (
	"context"
	"os"
	"path/filepath"
	"slices"
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
