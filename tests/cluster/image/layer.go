package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entry is one file, folder or link of a layer.
type entry struct {
	header tar.Header
	open   func() (io.ReadCloser, error) // nil where there is no content
}

// epoch is when every file was made, so that a file's age changes no image.
var epoch = time.Unix(0, 0).UTC()

// inside is a path as tar files have it: relative, without a leading slash.
func inside(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

func folderEntry(name string, mode int64) entry {
	return entry{header: tar.Header{Typeflag: tar.TypeDir, Name: inside(name) + "/", Mode: mode, ModTime: epoch}}
}

func linkEntry(name, target string) entry {
	return entry{header: tar.Header{Typeflag: tar.TypeSymlink, Name: inside(name), Linkname: target, Mode: 0o777, ModTime: epoch}}
}

func textEntry(name, text string) entry {
	return entry{
		header: tar.Header{Typeflag: tar.TypeReg, Name: inside(name), Mode: 0o644, Size: int64(len(text)), ModTime: epoch},
		open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

// fileEntry takes a file of this machine. Programs stay programs; no other bit of the mode is kept, so that nobody's
// umask is in the image.
func fileEntry(name, source string) (entry, error) {
	info, err := os.Stat(source)
	if err != nil {
		return entry{}, err
	}
	if !info.Mode().IsRegular() {
		return entry{}, fmt.Errorf("%s is no file", source)
	}
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	return entry{
		header: tar.Header{Typeflag: tar.TypeReg, Name: inside(name), Mode: mode, Size: info.Size(), ModTime: epoch},
		open:   func() (io.ReadCloser, error) { return os.Open(source) },
	}, nil
}

// treeEntries takes a folder of this machine as the image's root, but for what drop matches (path.Match, or everything
// below a folder).
func treeEntries(root string, drop []string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(root, func(source string, found fs.DirEntry, err error) error {
		if err != nil || source == root {
			return err
		}
		name, err := filepath.Rel(root, source)
		if err != nil {
			return err
		}
		if matches(drop, name) {
			if found.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		e, err := treeEntry(name, source, found)
		if err == nil {
			entries = append(entries, e)
		}
		return err
	})
	return entries, err
}

func treeEntry(name, source string, found fs.DirEntry) (entry, error) {
	switch {
	case found.IsDir():
		return folderEntry(name, 0o755), nil
	case found.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(source)
		return linkEntry(name, target), err
	default:
		return fileEntry(name, source)
	}
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// layer is an uncompressed layer whose tar is made anew each time it is read: images never leave this machine, and
// compressing them would take longer than everything else here.
type layer struct {
	entries []entry
	digest  v1.Hash
	size    int64
}

// newLayer adds the folders that entries lie in, sorts, and takes the hash.
func newLayer(entries []entry) (*layer, error) {
	l := &layer{entries: sorted(entries)}
	stream, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	l.digest, l.size, err = v1.SHA256(stream)
	return l, err
}

// sorted puts folders before what is in them and keeps the last of two entries of one name.
func sorted(entries []entry) []entry {
	all := map[string]entry{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.header.Name, "/")
		for above := path.Dir(name); above != "."; above = path.Dir(above) {
			if _, there := all[above]; !there {
				all[above] = folderEntry(above, 0o755)
			}
		}
		all[name] = e
	}
	result := make([]entry, 0, len(all))
	for _, e := range all {
		result = append(result, e)
	}
	slices.SortFunc(result, func(a, b entry) int { return strings.Compare(a.header.Name, b.header.Name) })
	return result
}

func (l *layer) writeTo(w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, e := range l.entries {
		if err := e.writeTo(archive); err != nil {
			return fmt.Errorf("pack %s: %w", e.header.Name, err)
		}
	}
	return archive.Close()
}

func (e entry) writeTo(archive *tar.Writer) error {
	header := e.header
	if err := archive.WriteHeader(&header); err != nil || e.open == nil {
		return err
	}
	content, err := e.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return errors.Join(err, content.Close())
}

// Uncompressed implements v1.Layer.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(l.writeTo(writer)) }()
	return reader, nil
}

// Compressed implements v1.Layer; there is no compression.
func (l *layer) Compressed() (io.ReadCloser, error) { return l.Uncompressed() }

// Digest implements v1.Layer.
func (l *layer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID implements v1.Layer.
func (l *layer) DiffID() (v1.Hash, error) { return l.digest, nil }

// Size implements v1.Layer.
func (l *layer) Size() (int64, error) { return l.size, nil }

// MediaType implements v1.Layer.
func (l *layer) MediaType() (types.MediaType, error) { return types.DockerUncompressedLayer, nil }

// certificates joins the certificates of Debian's ca-certificates into the one file that programs look for.
func certificates(root string) (string, error) {
	files, err := filepath.Glob(filepath.Join(root, "usr/share/ca-certificates/mozilla/*.crt"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("there are no certificates in %s: %w", root, err)
	}
	var all bytes.Buffer
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		all.Write(bytes.TrimSpace(text))
		all.WriteByte('\n')
	}
	return all.String(), nil
}
