package debian

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/xi2/xz"
)

// fetchSource downloads upstream's part of a source package into work, where apt has checked its hash against the signed
// list, and unpacks it into source. What Debian adds, which is its own way to build, is left out.
func (a apt) fetchSource(ctx context.Context, name, work, source string) (version string, err error) {
	folder := filepath.Join(work, "download")
	defer os.RemoveAll(folder)
	file, err := a.download(ctx, name, folder, "*.orig.tar.xz", "source", "--download-only", "--tar-only", name+"/"+a.suite)
	if err != nil {
		return "", err
	}
	version, _, _ = strings.Cut(strings.TrimPrefix(filepath.Base(file), name+"_"), ".orig.")
	a.log.InfoContext(ctx, "unpacking a source package", slog.String("package", name), slog.String("version", version))
	if err := unpackSource(file, source); err != nil {
		return "", fmt.Errorf("unpack: %w", err)
	}
	return upstream(version), nil
}

// unpackSource writes the regular files of a tar file, without the folder that all of them are in.
func unpackSource(file, source string) error {
	packed, err := os.Open(file)
	if err != nil {
		return err
	}
	defer packed.Close()
	plain, err := xz.NewReader(packed, 0)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(source, 0o755); err != nil { // Sources are no secret.
		return err
	}
	root, err := os.OpenRoot(source) // which nothing gets out of, whatever it is called
	if err != nil {
		return err
	}
	defer root.Close()
	archive := tar.NewReader(plain)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, below := strings.Cut(path.Clean(header.Name), "/")
		if header.Typeflag != tar.TypeReg || !below {
			continue
		}
		if err := writeSource(root, name, archive); err != nil {
			return err
		}
	}
}

func writeSource(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
