// Package debian gets programs out of packages of another Debian release, without installing anything:
// apt-get downloads them from the machine's own mirror and checks Debian's signature, dpkg-deb unpacks them
// into a cache folder. Where the packaged program lacks something, its source package is fetched the same way, for the
// caller to build. It needs no root and writes nowhere else.
//
// It knows nothing of the programs themselves.
package debian

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"irc.now/longrunning/local/servers/process"
)

// The keyring that Debian's releases are signed with, from the package debian-archive-keyring; its file has
// had two names.
var keyrings = []string{
	"/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp",
}

// ErrNotDebian means that this machine cannot unpack Debian packages.
var ErrNotDebian = errors.New("not a Debian system with apt-get, dpkg-deb and debian-archive-keyring")

// Package is an unpacked package.
type Package struct {
	Root    string // the folder that stands for /
	Version string // the upstream part, such as 0.11.1
	Suite   string // the release it came from
}

// Request says what to get.
type Request struct {
	Dir    string   // the cache; packages land in Dir/debian/<name>, what is built in Dir/debian-source/<name>
	Name   string   // of the binary package; of the source package where it is to be built
	Suites []string // releases to try in turn, such as sid, trixie
	// Libraries maps shared objects that the programs need to the packages that hold them. Those missing
	// on this machine are unpacked beside the programs, from this machine's own release.
	Libraries map[string]string
	// Probe is a program inside the package and its arguments, run to see whether it works here: one built
	// for a newer C library does not. The next release is tried then.
	Probe []string
	// Build makes programs out of upstream's sources, in the folder source, and puts them below the folder root. Where
	// it is set, they are fetched instead of a binary package.
	Build func(ctx context.Context, source, root string) error
	Log   *slog.Logger
}

// Get unpacks the package, or gives what an earlier call unpacked. Several processes may ask at once: one
// works, the others wait for it.
func Get(ctx context.Context, r Request) (Package, error) {
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	if p, ok := unpacked(r.home()); ok {
		return p, nil
	}
	if err := os.MkdirAll(r.base(), 0o755); err != nil { // apt drops to a user of its own, who must get in.
		return Package{}, fmt.Errorf("make the cache for Debian packages: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(r.base(), ".lock"))
	if err != nil {
		return Package{}, err
	}
	defer unlock()
	if p, ok := unpacked(r.home()); ok { // while we waited
		return p, nil
	}
	r.sweep()
	return get(ctx, r)
}

func (r Request) home() string { return filepath.Join(r.base(), r.Name) }

// base is another folder for what is built, with a lock of its own, so that no download waits for a compiler.
func (r Request) base() string {
	if r.Build != nil {
		return filepath.Join(r.Dir, "debian-source")
	}
	return filepath.Join(r.Dir, "debian")
}

// sweep removes what calls that were killed left behind. It runs under the lock.
func (r Request) sweep() {
	left, _ := filepath.Glob(filepath.Join(r.base(), ".work-*"))
	for _, folder := range left {
		_ = os.RemoveAll(folder)
	}
}

// get tries every release on every mirror.
func get(ctx context.Context, r Request) (Package, error) {
	keyring, err := available()
	if err != nil {
		return Package{}, err
	}
	found := mirrors("/")
	if len(found) == 0 {
		return Package{}, fmt.Errorf("%w: its apt sources name no mirror", ErrNotDebian)
	}
	var failed []error
	for _, suite := range r.Suites {
		for _, mirror := range found {
			a := apt{dir: filepath.Join(r.base(), ".apt", suite), suite: suite, source: r.Build != nil, mirror: mirror, keyring: keyring, log: r.Log}
			if err = r.unpack(ctx, a); err == nil {
				p, _ := unpacked(r.home())
				return p, nil
			}
			failed = append(failed, fmt.Errorf("get %s from Debian %s: %w", r.Name, suite, err))
			if ctx.Err() != nil {
				return Package{}, errors.Join(failed...)
			}
		}
	}
	return Package{}, errors.Join(failed...)
}

// unpack builds the folder aside and renames it, so that a folder that is there is whole.
func (r Request) unpack(ctx context.Context, a apt) error {
	work, err := os.MkdirTemp(r.base(), ".work-")
	if err != nil {
		return fmt.Errorf("make a folder for the download: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { // apt drops to a user of its own, who must get in.
		return err
	}
	root := filepath.Join(work, "root")
	version, err := r.fill(ctx, a, work, root)
	if err != nil {
		return err
	}
	if err := r.addLibraries(ctx, a, work, root); err != nil {
		return err
	}
	if err := r.probe(ctx, Package{Root: root}); err != nil {
		return err
	}
	about := version + "\n" + a.suite + "\n"
	if err := os.WriteFile(filepath.Join(work, "package"), []byte(about), 0o600); err != nil {
		return fmt.Errorf("note the version: %w", err)
	}
	return os.Rename(work, r.home())
}

// fill puts programs below root: those of the binary package, or what is built.
func (r Request) fill(ctx context.Context, a apt, work, root string) (version string, err error) {
	if r.Build == nil {
		return a.fetch(ctx, r.Name, work, root)
	}
	source := filepath.Join(work, "source")
	defer os.RemoveAll(source)
	if version, err = a.fetchSource(ctx, r.Name, work, source); err != nil {
		return "", err
	}
	if err := r.Build(ctx, source, root); err != nil {
		return "", fmt.Errorf("build version %s: %w", version, err)
	}
	return version, nil
}

func (r Request) probe(ctx context.Context, p Package) error {
	if len(r.Probe) == 0 {
		return nil
	}
	command := exec.CommandContext(ctx, filepath.Join(p.Root, r.Probe[0]), r.Probe[1:]...)
	command.Env = append(process.BasicEnv(), p.Env()...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("try %s: %w: %s", r.Probe[0], err, lastLine(out))
	}
	return nil
}

// addLibraries fetches the shared objects that this machine lacks from its own release, whose C library
// they fit.
func (r Request) addLibraries(ctx context.Context, a apt, work, root string) error {
	missing := missingLibraries(ctx, root, r.Libraries)
	if len(missing) == 0 {
		return nil
	}
	suite := osRelease("VERSION_CODENAME")
	if suite == "" {
		suite = a.suite
	}
	own := apt{dir: filepath.Join(r.base(), ".apt", suite), suite: suite, mirror: a.mirror, keyring: a.keyring, log: a.log}
	for _, name := range missing {
		if _, err := own.fetch(ctx, name, work, root); err != nil {
			return fmt.Errorf("get the library package %s: %w", name, err)
		}
	}
	return nil
}

// missingLibraries asks the dynamic linker what the unpacked programs lack and names the packages to get.
func missingLibraries(ctx context.Context, root string, known map[string]string) []string {
	programs, _ := filepath.Glob(filepath.Join(root, "usr/bin/*"))
	var missing []string
	for _, program := range programs {
		out, err := exec.CommandContext(ctx, "ldd", program).CombinedOutput()
		if err != nil {
			continue // not a dynamic program, or no ldd: starting it will tell
		}
		for library, name := range known {
			if strings.Contains(string(out), library+" => not found") {
				missing = append(missing, name)
			}
		}
		break
	}
	return missing
}

// Env is what the package's programs need in their environment to find libraries that came with them.
func (p Package) Env() []string {
	var folders []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(filepath.Join(p.Root, pattern))
		folders = append(folders, found...)
	}
	if len(folders) == 0 {
		return nil
	}
	return []string{"LD_LIBRARY_PATH=" + strings.Join(folders, ":")}
}

func unpacked(home string) (Package, bool) {
	about, err := os.ReadFile(filepath.Join(home, "package"))
	if err != nil {
		return Package{}, false
	}
	version, rest, _ := strings.Cut(string(about), "\n")
	return Package{Root: filepath.Join(home, "root"), Version: version, Suite: strings.TrimSpace(rest)}, true
}

// available gives the keyring, or ErrNotDebian.
func available() (keyring string, err error) {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", ErrNotDebian
		}
	}
	for _, keyring := range keyrings {
		if _, err := os.Stat(keyring); err == nil {
			return keyring, nil
		}
	}
	return "", ErrNotDebian
}

// osRelease reads one value of os-release(5).
func osRelease(key string) string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, key+"="); ok {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// InstalledVersion asks dpkg for the upstream version of an installed package; "" where it is not.
func InstalledVersion(ctx context.Context, name string) string {
	out, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Version}", name).Output()
	if err != nil {
		return ""
	}
	return upstream(string(out))
}

// upstream cuts Debian's epoch and revision off a version.
func upstream(version string) string {
	version = strings.TrimSpace(version)
	if _, rest, epoch := strings.Cut(version, ":"); epoch {
		version = rest
	}
	if dash := strings.LastIndexByte(version, '-'); dash >= 0 {
		version = version[:dash]
	}
	version, _, _ = strings.Cut(version, "+")
	return version
}

// output runs a tool and gives what it printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Env = process.BasicEnv()
	out, err := command.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, lastLine(failed.Stderr))
	}
	return string(out), err
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
