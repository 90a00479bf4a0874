// Package image makes container images without a container engine: a static Go program, or programs out of Debian
// packages, become a tar file that containerd imports.
//
// The same input gives the same bytes, and the tag is made from the content: a changed program rolls out, and an
// unchanged one costs nothing. Everything is kept in .cache/cluster/images beside the repository's go.mod. It installs
// nothing and asks no registry of images; Debian's packages come from the mirror the machine itself uses.
//
// These images are for the cluster that the tests bring up. Real ones are made by ko and by the Dockerfiles.
package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Registry is where no image is pulled from: what carries its name has to be imported.
const Registry = "dev.local"

// User is who programs run as where nothing else is said; distroless and Knative's own images call it nonroot.
const User = "65532"

// Image is a file that containerd can import, and the name it has then.
type Image struct {
	Ref  string // dev.local/irc-now/portal:c0ffee…
	File string
}

// Options say how an image is made of a program. The zero value is right for a program of ours.
type Options struct {
	Name       string            // under dev.local/, such as irc-now/portal
	Tag        string            // the content's hash where empty
	User       string            // User where empty
	Entrypoint []string          // the program where empty
	Env        []string          // NAME=value
	Files      map[string]string // further files: path in the image to path on this machine
	Links      map[string]string // symbolic links: path in the image to target
	Texts      map[string]string // further small files: path in the image to content
	Versioned  bool              // the program's main.version becomes one that changes with the program
	Log        *slog.Logger
}

func (o *Options) fill() error {
	if o.Name == "" {
		return errors.New("an image needs a name")
	}
	if o.User == "" {
		o.User = User
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Root is the folder of the go.mod above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: no go.mod above the working directory")
		}
		dir = parent
	}
}

// cache is .cache/cluster, or a folder below it.
func cache(folders ...string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(append([]string{root, ".cache", "cluster"}, folders...)...)
	return dir, os.MkdirAll(dir, 0o755)
}

// extra adds what the options name to the entries of an image.
func (o *Options) extra(entries []entry) ([]entry, error) {
	for _, path := range slices.Sorted(maps.Keys(o.Files)) {
		e, err := fileEntry(path, o.Files[path])
		if err != nil {
			return nil, fmt.Errorf("add %s: %w", path, err)
		}
		entries = append(entries, e)
	}
	for _, path := range slices.Sorted(maps.Keys(o.Texts)) {
		entries = append(entries, textEntry(path, o.Texts[path]))
	}
	for _, path := range slices.Sorted(maps.Keys(o.Links)) {
		entries = append(entries, linkEntry(path, o.Links[path]))
	}
	return entries, nil
}

// write puts layers and settings together and saves them, unless an earlier call has saved just these. A tag that
// begins with a version, say 15.18, keeps it in front of the hash.
func (o *Options) write(ctx context.Context, version string, layers ...*layer) (Image, error) {
	config := v1.Config{User: o.User, Entrypoint: o.Entrypoint, Env: o.Env, WorkingDir: "/"}
	tag := o.Tag
	if tag == "" {
		hash, err := fingerprint(config, layers)
		if err != nil {
			return Image{}, err
		}
		tag = strings.TrimPrefix(version+"-"+hash, "-")
	}
	ref, err := name.NewTag(Registry + "/" + o.Name + ":" + tag)
	if err != nil {
		return Image{}, fmt.Errorf("name the image: %w", err)
	}
	dir, err := cache("images")
	if err != nil {
		return Image{}, err
	}
	made := Image{Ref: ref.String(), File: filepath.Join(dir, strings.ReplaceAll(o.Name, "/", "_")+"@"+tag+".tar")}
	if _, err := os.Stat(made.File); err == nil && o.Tag == "" {
		return made, nil
	}
	o.Log.InfoContext(ctx, "writing an image", slog.String("image", made.Ref))
	if err := save(made.File, ref, config, layers); err != nil {
		return Image{}, fmt.Errorf("write image %s: %w", made.Ref, err)
	}
	return made, sweep(made.File)
}

// fingerprint is short enough for a tag and long enough to tell builds of one machine apart.
func fingerprint(config v1.Config, layers []*layer) (string, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	sum.Write(text)
	for _, l := range layers {
		sum.Write([]byte(l.digest.String()))
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// save writes aside and renames, so that a file that is there is whole.
func save(file string, ref name.Tag, config v1.Config, layers []*layer) error {
	base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Architecture: runtime.GOARCH, OS: "linux", Config: config, RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return err
	}
	all := make([]v1.Layer, len(layers))
	for i, l := range layers {
		all[i] = l
	}
	whole, err := mutate.AppendLayers(base, all...)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".writing-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if err := errors.Join(tarball.Write(ref, whole, temporary), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}

// sweep removes the image's earlier builds; each new one would stay on disk for good.
func sweep(newest string) error {
	stem, _, _ := strings.Cut(newest, "@")
	others, err := filepath.Glob(stem + "@*.tar")
	if err != nil {
		return err
	}
	for _, other := range others {
		if other == newest {
			continue
		}
		if err := os.Remove(other); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old image: %w", err)
		}
	}
	return nil
}
