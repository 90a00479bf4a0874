package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// RootRequest says what a root folder is made of.
type RootRequest struct {
	Dir      string   // the cache; roots land in Dir/debian-root/<name>
	Name     string   // of the root, for people and for its folder
	Suite    string   // the release that everything is from
	Packages []string // binary packages, unpacked with all that they depend on
	Without  []string // names (path.Match) not to be unpacked although something depends on them
	// Versioned is the package whose version is the root's; the first of Packages where empty.
	Versioned string
	Log       *slog.Logger
}

func (r *RootRequest) fill() error {
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	if len(r.Packages) == 0 {
		return errors.New("a root needs packages")
	}
	if r.Versioned == "" {
		r.Versioned = r.Packages[0]
	}
	return nil
}

// home is another folder for another choice of packages, so that a changed request is not answered with an old root.
func (r *RootRequest) home() string {
	sum := sha256.New()
	fmt.Fprintln(sum, r.Suite, r.Packages, r.Without)
	return filepath.Join(r.Dir, "debian-root", r.Name+"-"+hex.EncodeToString(sum.Sum(nil))[:8])
}

// Root unpacks packages and what they depend on, as apt resolves it for a machine that has nothing yet, into a folder
// that stands for /. No script of a package is run: what those would make (users, links, databases) is the caller's. It
// gives what an earlier call unpacked where there is one.
func Root(ctx context.Context, r RootRequest) (Package, error) {
	if err := r.fill(); err != nil {
		return Package{}, err
	}
	if p, ok := unpacked(r.home()); ok {
		return p, nil
	}
	folder := filepath.Dir(r.home())
	if err := os.MkdirAll(folder, 0o755); err != nil { // apt drops to a user of its own, who must get in.
		return Package{}, fmt.Errorf("make the cache for Debian packages: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(folder, ".lock"))
	if err != nil {
		return Package{}, err
	}
	defer unlock()
	if p, ok := unpacked(r.home()); ok { // while we waited
		return p, nil
	}
	keyring, err := available()
	if err != nil {
		return Package{}, err
	}
	var failed []error
	for _, mirror := range mirrors("/") {
		a := apt{dir: filepath.Join(folder, ".apt", r.Suite), suite: r.Suite, mirror: mirror, keyring: keyring, log: r.Log}
		if err = r.unpack(ctx, a); err == nil {
			p, _ := unpacked(r.home())
			return p, nil
		}
		failed = append(failed, err)
	}
	return Package{}, fmt.Errorf("make the root %s from Debian %s: %w", r.Name, r.Suite, errors.Join(failed...))
}

// unpack builds the folder aside and renames it.
func (r *RootRequest) unpack(ctx context.Context, a apt) error {
	work, err := os.MkdirTemp(filepath.Dir(r.home()), ".work-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { // apt drops to a user of its own, who must get in.
		return err
	}
	if err := a.update(ctx); err != nil {
		return fmt.Errorf("update the package list: %w", err)
	}
	names, err := a.closure(ctx, r.Packages)
	if err != nil {
		return fmt.Errorf("resolve what %s needs: %w", strings.Join(r.Packages, ", "), err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return matchesAny(r.Without, name) })
	version, err := r.fetch(ctx, a, names, work)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "package"), []byte(version+"\n"+a.suite+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(work, r.home())
}

// fetch downloads the packages and unpacks them over each other.
func (r *RootRequest) fetch(ctx context.Context, a apt, names []string, work string) (version string, err error) {
	folder := filepath.Join(work, "download")
	if err := os.MkdirAll(folder, 0o755); err != nil { // apt drops to a user of its own, who must get in.
		return "", err
	}
	defer os.RemoveAll(folder)
	a.log.InfoContext(ctx, "downloading packages", slog.String("root", r.Name), slog.Int("packages", len(names)), slog.String("suite", a.suite))
	if err := a.run(ctx, folder, append([]string{"download"}, names...)...); err != nil {
		return "", fmt.Errorf("download: %w", err)
	}
	root := filepath.Join(work, "root")
	if err := mergedUsr(root); err != nil {
		return "", err
	}
	for _, name := range names {
		files, err := filepath.Glob(filepath.Join(folder, name+"_*.deb"))
		if err != nil || len(files) != 1 {
			return "", fmt.Errorf("apt-get downloaded %d files for %s, want 1", len(files), name)
		}
		if _, err := output(ctx, "dpkg-deb", "-x", files[0], root); err != nil {
			return "", fmt.Errorf("unpack %s: %w", name, err)
		}
		if name == r.Versioned {
			version, err = output(ctx, "dpkg-deb", "-f", files[0], "Version")
			if err != nil {
				return "", fmt.Errorf("read the version of %s: %w", name, err)
			}
		}
	}
	return upstream(version), nil
}

// mergedUsr makes the links that Debian's base-files has had since /bin, /lib and /sbin moved below /usr.
func mergedUsr(root string) error {
	for _, name := range []string{"bin", "lib", "lib64", "sbin"} {
		if err := os.MkdirAll(filepath.Join(root, "usr", name), 0o755); err != nil { // It is the root of other programs.
			return err
		}
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return nil
}

// closure asks apt which packages a machine without any would get.
func (a apt) closure(ctx context.Context, packages []string) ([]string, error) {
	args := append(a.options(), "-o", "APT::Install-Recommends=false", "-qq", "--print-uris", "-y", "install")
	out, err := output(ctx, "apt-get", append(args, packages...)...)
	if err != nil {
		return nil, err
	}
	return printed(out), nil
}

// printed reads the package names out of `apt-get --print-uris`: 'address' name_version_arch.deb size hash.
func printed(out string) []string {
	var names []string
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		if len(words) < 2 || !strings.HasSuffix(words[1], ".deb") {
			continue
		}
		name, _, _ := strings.Cut(words[1], "_")
		names = append(names, name)
	}
	return names
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}
