package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/debian"
)

// Go makes the image of a Go program: of a package of this module (irc.now/functions/portal/cmd or
// ./functions/portal/cmd), which is built first, or of a static program that is already there (a path to a file). The
// program lies where ko puts it, in /ko-app, and is the entry point.
func Go(ctx context.Context, packageOrBinary string, o Options) (Image, error) {
	if err := o.fill(); err != nil {
		return Image{}, err
	}
	binary, err := program(ctx, packageOrBinary, o)
	if err != nil {
		return Image{}, err
	}
	inImage := "/ko-app/" + path.Base(o.Name)
	if len(o.Entrypoint) == 0 {
		o.Entrypoint = []string{inImage}
	}
	o.Env = environment("/ko-app:/usr/bin:/bin", o.Env)
	own, err := fileEntry(inImage, binary)
	if err != nil {
		return Image{}, fmt.Errorf("image of %s: %w", packageOrBinary, err)
	}
	own.header.Mode = 0o755
	entries, err := o.extra([]entry{own})
	if err != nil {
		return Image{}, fmt.Errorf("image of %s: %w", packageOrBinary, err)
	}
	base, err := foundation(ctx, o.Log)
	if err != nil {
		return Image{}, err
	}
	top, err := newLayer(entries)
	if err != nil {
		return Image{}, err
	}
	return o.write(ctx, "", base, top)
}

// program gives the path of the binary.
func program(ctx context.Context, packageOrBinary string, o Options) (string, error) {
	if info, err := os.Stat(packageOrBinary); err == nil && info.Mode().IsRegular() {
		return packageOrBinary, nil
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := cache("programs")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, strings.ReplaceAll(o.Name, "/", "_"))
	o.Log.InfoContext(ctx, "building a program", slog.String("package", packageOrBinary))
	if err := build(ctx, root, packageOrBinary, binary, ""); err != nil || !o.Versioned {
		return binary, err
	}
	version, err := versionOf(binary)
	if err != nil {
		return "", err
	}
	versioned := binary + ".versioned"
	return versioned, build(ctx, root, packageOrBinary, versioned, version)
}

// versionOf makes a version of what a program is without one: a commit would be another at each, whatever it changes. It
// is no semantic version, so no operator takes it for older or newer than another.
func versionOf(binary string) (string, error) {
	file, err := os.Open(binary)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return "dev-" + hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// build is `go build` with the flags of the Makefile, so that it finds in the build cache what tests have compiled.
func build(ctx context.Context, root, pkg, binary, version string) error {
	flags := "-ldflags=-s -w"
	if version != "" {
		flags += " -X main.version=" + version
	}
	command := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags=lambda.norpc", flags, "-o", binary, pkg)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// environment adds what every image has, unless the image says otherwise.
func environment(path string, own []string) []string {
	env := own
	for _, common := range []string{"SSL_CERT_FILE=" + certificateFile, "PATH=" + path} {
		name, _, _ := strings.Cut(common, "=")
		if !slices.ContainsFunc(own, func(variable string) bool { return strings.HasPrefix(variable, name+"=") }) {
			env = append([]string{common}, env...)
		}
	}
	return env
}

const certificateFile = "/etc/ssl/certs/ca-certificates.crt"

var (
	foundationLock sync.Mutex
	foundationMade *layer
)

// foundation is what every image of a program begins with: names of users, certificates, a folder for temporary files.
func foundation(ctx context.Context, log *slog.Logger) (*layer, error) {
	foundationLock.Lock()
	defer foundationLock.Unlock()
	if foundationMade != nil {
		return foundationMade, nil
	}
	trusted, err := trustedCertificates(ctx, log)
	if err != nil {
		return nil, err
	}
	made, err := newLayer([]entry{
		folderEntry("/tmp", 0o1777),
		textEntry("/etc/passwd", "root:x:0:0::/root:/sbin/nologin\nnonroot:x:65532:65532::/tmp:/sbin/nologin\n"),
		textEntry("/etc/group", "root:x:0:\nnonroot:x:65532:\n"),
		textEntry(certificateFile, trusted),
	})
	if err == nil {
		foundationMade = made
	}
	return made, err
}

// trustedCertificates are Debian's, of the release that this machine's other images are made of.
func trustedCertificates(ctx context.Context, log *slog.Logger) (string, error) {
	dir, err := servers.CacheDir()
	if err != nil {
		return "", err
	}
	unpacked, err := debian.Get(ctx, debian.Request{Dir: dir, Name: "ca-certificates", Suites: []string{Release}, Log: log})
	if errors.Is(err, debian.ErrNotDebian) {
		return "", fmt.Errorf("images for the test cluster are made on Debian: %w", err)
	}
	if err != nil {
		return "", err
	}
	return certificates(unpacked.Root)
}
