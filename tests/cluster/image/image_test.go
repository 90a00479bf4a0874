package image_test

import (
	"archive/tar"
	"debug/buildinfo"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"irc.now/tests/cluster/image"
)

// opened reads an image as containerd does.
func opened(t *testing.T, made image.Image) v1.Image {
	t.Helper()
	read, err := tarball.ImageFromPath(made.File, nil)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// files are the headers of the image's file system, by name.
func files(t *testing.T, made image.Image) map[string]*tar.Header {
	t.Helper()
	stream := mutate.Extract(opened(t, made))
	defer stream.Close()
	found := map[string]*tar.Header{}
	archive := tar.NewReader(stream)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header
	}
}

func TestTheSameProgramIsTheSameImageAndAnotherIsAnother(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	write := func(text string) image.Image {
		t.Helper()
		if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		made, err := image.Go(t.Context(), program, image.Options{Name: "test/same"})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first := write("one")
	before, err := os.Stat(first.File)
	if err != nil {
		t.Fatal(err)
	}
	again := write("one")
	after, err := os.Stat(again.File)
	if err != nil {
		t.Fatal(err)
	}
	if first != again || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("an unchanged program was written again: %v, %v", first, again)
	}
	other := write("two")
	if other.Ref == first.Ref {
		t.Errorf("another program has the same name %s", other.Ref)
	}
	if _, err := os.Stat(first.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old build is still there: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(other.File) })
}

func TestAProgramRunsAsNobodyWithCertificatesAndATemporaryFolder(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := image.Go(t.Context(), program, image.Options{
		Name: "test/whole", Links: map[string]string{"/usr/bin/other": "/ko-app/whole"}, Texts: map[string]string{"/etc/words": "text"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(made.File) })
	config, err := opened(t, made).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532" || len(config.Config.Entrypoint) != 1 || config.Config.Entrypoint[0] != "/ko-app/whole" {
		t.Errorf("config = %+v", config.Config)
	}
	found := files(t, made)
	for name, mode := range map[string]int64{
		"ko-app/whole": 0o755, "etc/ssl/certs/ca-certificates.crt": 0o644, "etc/passwd": 0o644, "etc/words": 0o644, "tmp": 0o1777,
	} {
		if header := found[name]; header == nil || header.Mode != mode || header.Uid != 0 {
			t.Errorf("%s is %+v, want mode %o", name, header, mode)
		}
	}
	if link := found["usr/bin/other"]; link == nil || link.Linkname != "/ko-app/whole" {
		t.Errorf("the link is %+v", link)
	}
}

func TestATagInAManifestDoesNotMatter(t *testing.T) {
	soju := image.Image{Ref: "dev.local/irc-now/soju:0.11.1-abc"}
	set := image.Set{image.Soju: soju, "ko://irc.now/functions/portal/cmd": {Ref: "dev.local/irc-now/portal:abc"}}
	for _, name := range []string{"irc.now/soju", "irc.now/soju:latest"} {
		if got, ok := set.Resolve(name); !ok || got != soju {
			t.Errorf("%s is %v, %v", name, got, ok)
		}
	}
	if got, ok := set.Resolve("registry.example:5000/soju"); ok {
		t.Errorf("somebody else's image is %v", got)
	}
}

// The program in testdata does nothing but tell its version, as the operator's main package has it.
func TestAVersionIsMadeOfTheProgram(t *testing.T) {
	const program = "./tests/cluster/image/testdata/versioned"
	told := map[bool]string{}
	for _, versioned := range []bool{false, true} {
		made, err := image.Go(t.Context(), program, image.Options{Name: "test/versioned", Versioned: versioned})
		if err != nil {
			t.Fatal(err)
		}
		again, err := image.Go(t.Context(), program, image.Options{Name: "test/versioned", Versioned: versioned})
		if err != nil || again != made {
			t.Errorf("the same program is %v, then %v, %v", made, again, err)
		}
		t.Cleanup(func() { _ = os.Remove(made.File) })
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, content(t, made, "ko-app/versioned"), 0o755); err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), path).Output()
		if err != nil {
			t.Fatal(err)
		}
		told[versioned] = string(said)
	}
	if told[false] != "dev" || !regexp.MustCompile(`^dev-[0-9a-f]{12}$`).MatchString(told[true]) {
		t.Errorf("it tells %v", told)
	}
	source, err := os.ReadFile("../../../operators/cmd/main.go")
	if err != nil || !strings.Contains(string(source), "\nvar version = \"dev\"\n") {
		t.Errorf("the operator's version is called otherwise: %v", err)
	}
}

// The operator's pods make ergo's store with the shell, and give it a database.
func TestErgoComesWithPostgreSQLAndAShell(t *testing.T) {
	made, err := image.One(t.Context(), image.Ergo, nil)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "ergo")
	if err := os.WriteFile(program, content(t, made, "usr/local/bin/ergo"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-tags", Value: "postgresql"}) {
		t.Errorf("%v: it was built as %v", err, info)
	}
	found := files(t, made)
	for _, name := range []string{"bin/sh", "bin/mkdir", "bin/mv", "bin/rm"} {
		if found[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

// content is that of a file in the image.
func content(t *testing.T, made image.Image, name string) []byte {
	t.Helper()
	stream := mutate.Extract(opened(t, made))
	defer stream.Close()
	archive := tar.NewReader(stream)
	for {
		header, err := archive.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if header.Name != name {
			continue
		}
		found, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
}
