//go:build cluster

package manifests_test

import (
	"archive/tar"
	"bytes"
	"debug/buildinfo"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"irc.now/knative/render"
)

// The whole of `make deploy` but the Dockerfiles: ko builds every program of ours and pushes it to a real registry. It
// takes minutes where nothing is built yet, so it is part of `make e2e`.
func TestMakeDeploy(t *testing.T) {
	p := newPlace(t)
	p.prepare()
	p.Setenv("KO_DEFAULTBASEIMAGE", p.pushBase())
	p.Setenv("KO_DEFAULTPLATFORMS", "linux/"+runtime.GOARCH)
	objects := p.make()
	images := p.pushed(objects)
	if len(images) < 10 {
		t.Fatalf("only %q were built", images)
	}
	version := strings.TrimSpace(p.shell("git describe --tags --always"))
	for _, image := range images {
		t.Run(image, func(t *testing.T) { checkImage(t, image, version) })
	}
	before := p.contents(objects)
	if again := p.pushed(p.make()); !slices.Equal(again, images) {
		t.Errorf("other images are made the second time: %q, before %q", again, images)
	}
	for object, content := range p.contents(objects) {
		if content != before[object] {
			t.Errorf("%s was changed by deploying the same again", object)
		}
	}
}

func TestProgramsAreBuiltForBothProcessors(t *testing.T) {
	p := newPlace(t)
	p.Setenv("KO_DEFAULTBASEIMAGE", p.pushBase())
	p.Setenv("KO_DOCKER_REPO", p.registry)
	p.Setenv("VERSION", "v1")
	p.shell("go -C tests/tools/ko build -o ../../../bin/ko github.com/google/ko")
	lines := strings.Fields(p.shell("bin/ko build ./functions/stripe/cmd 2>/dev/null"))
	reference, err := name.ParseReference(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(reference)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, one := range manifest.Manifests {
		platforms = append(platforms, one.Platform.String())
	}
	if slices.Sort(platforms); !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("it is built for %q", platforms)
	}
}

// make runs `make deploy`, and gives what it applied. What an earlier deployment left in that file is put back.
func (p *place) make() []render.Object {
	p.Helper()
	file := filepath.Join(root, "bin/applied/generic.yaml")
	kept, err := os.ReadFile(file)
	p.Cleanup(func() {
		if err == nil {
			err = os.WriteFile(file, kept, 0o600)
		} else if errors.Is(err, os.ErrNotExist) {
			err = os.Remove(file)
		}
		if err != nil {
			p.Error(err)
		}
	})
	command := exec.CommandContext(p.Context(), "make", "deploy", "OVERLAY=generic", "REGISTRY="+p.registry)
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		p.Fatalf("%v\n%s", err, output)
	}
	return applied(p.T, file)
}

// pushBase pushes an image like the one that .ko.yaml names, for both processors: programs get a folder for temporary
// files, certificates and a user from it.
func (p *place) pushBase() string {
	p.Helper()
	var files bytes.Buffer
	writer := tar.NewWriter(&files)
	for _, header := range []tar.Header{
		{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777},
		{Name: "etc/ssl/certs/ca-certificates.crt", Typeflag: tar.TypeReg, Mode: 0o644},
	} {
		if err := writer.WriteHeader(&header); err != nil {
			p.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		p.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		p.Fatal(err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, processor := range []string{"amd64", "arm64"} {
		image, err := mutate.AppendLayers(empty.Image, layer)
		if err == nil {
			image, err = mutate.ConfigFile(image, &v1.ConfigFile{
				OS: "linux", Architecture: processor, Config: v1.Config{User: "65532"}, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffs(p.T, image)},
			})
		}
		if err != nil {
			p.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: processor}},
		})
	}
	reference, err := name.ParseReference(p.registry + "/base:nonroot")
	if err == nil {
		err = remote.WriteIndex(reference, index)
	}
	if err != nil {
		p.Fatal(err)
	}
	return reference.Name()
}

func diffs(t *testing.T, image v1.Image) []v1.Hash {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return file.RootFS.DiffIDs
}

// pushed are the images of our Go programs among objects, by digest.
func (p *place) pushed(objects []render.Object) []string {
	p.Helper()
	stream, err := render.YAML(objects)
	if err != nil {
		p.Fatal(err)
	}
	var found []string
	for word := range strings.FieldsSeq(string(stream)) {
		if strings.HasPrefix(word, p.registry+"/irc.now/") {
			found = append(found, word)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// checkImage looks at what an image runs, as whom, and what it says of what it is made of.
func checkImage(t *testing.T, image, version string) {
	t.Helper()
	reference, err := name.NewDigest(image)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Image(reference)
	if err != nil {
		t.Fatal(err)
	}
	file, err := got.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.Config.User != "65532" || !slices.Equal(file.Config.Entrypoint, []string{"/ko-app/cmd"}) {
		t.Errorf("it runs %q as %q", file.Config.Entrypoint, file.Config.User)
	}
	bill := reference.Context().Tag(strings.Replace(reference.DigestStr(), ":", "-", 1) + ".sbom")
	if _, err := remote.Head(bill); err != nil {
		t.Errorf("it has no bill of materials: %v", err)
	}
	program := programOf(t, got, file.Config.Entrypoint[0])
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	// What else is in it would make another image of the same sources.
	if settings["-trimpath"] != "true" || settings["CGO_ENABLED"] != "0" || settings["vcs.revision"] != "" {
		t.Errorf("it is built with %q", settings)
	}
	// The operator alone has a version: with one, each function would be another one after every commit.
	operator := info.Path == "irc.now/operators/cmd"
	if stamped := bytes.Contains(program, []byte(version)); stamped != operator {
		t.Errorf("%s holds the version %s: %v", info.Path, version, stamped)
	}
}

// programOf is a file in an image.
func programOf(t *testing.T, image v1.Image, file string) []byte {
	t.Helper()
	content := mutate.Extract(image)
	defer content.Close()
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if path.Clean("/"+header.Name) != file {
			continue
		}
		program, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		return program
	}
}
