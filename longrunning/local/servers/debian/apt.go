package debian

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"irc.now/longrunning/local/servers/process"
)

// apt is an apt-get with package lists of its own under dir, so that the system's lists stay as they are.
type apt struct {
	dir     string
	suite   string
	source  bool // lists source packages, not binary ones
	mirror  string
	keyring string
	log     *slog.Logger
}

// fetch downloads the package into work, where apt has checked its hash against the signed list, and
// unpacks it into root.
func (a apt) fetch(ctx context.Context, name, work, root string) (version string, err error) {
	folder := filepath.Join(work, "download")
	defer os.RemoveAll(folder)
	file, err := a.download(ctx, name, folder, "*.deb", "download", name+"/"+a.suite)
	if err != nil {
		return "", err
	}
	version, err = output(ctx, "dpkg-deb", "-f", file, "Version")
	if err != nil {
		return "", fmt.Errorf("read the package's version: %w", err)
	}
	a.log.InfoContext(ctx, "unpacking a package", slog.String("package", name), slog.String("version", strings.TrimSpace(version)))
	if _, err := output(ctx, "dpkg-deb", "-x", file, root); err != nil {
		return "", fmt.Errorf("unpack: %w", err)
	}
	return upstream(version), nil
}

// download gives the one file that matches pattern of those that apt-get, called with args, puts into folder.
func (a apt) download(ctx context.Context, name, folder, pattern string, args ...string) (file string, err error) {
	a.log.InfoContext(ctx, "reading the package list", slog.String("package", name), slog.String("suite", a.suite))
	if err := a.update(ctx); err != nil {
		return "", fmt.Errorf("update the package list: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { // apt drops to a user of its own, who must get in.
		return "", err
	}
	a.log.InfoContext(ctx, "downloading a package", slog.String("package", name), slog.String("suite", a.suite))
	if err := a.run(ctx, folder, args...); err != nil {
		return "", fmt.Errorf("download: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("apt-get downloaded %d files %s, want 1", len(files), pattern)
	}
	return files[0], nil
}

// update refreshes the lists; apt-get asks the mirror only for what has changed.
func (a apt) update(ctx context.Context) error {
	for _, folder := range []string{"lists/partial", "cache"} {
		if err := os.MkdirAll(filepath.Join(a.dir, folder), 0o755); err != nil { // apt drops to a user of its own, who must get in.
			return err
		}
	}
	// What is installed here would be a candidate beside what the lists have.
	if err := os.WriteFile(a.status(), nil, 0o644); err != nil { // An empty list, which apt's own user reads.
		return err
	}
	kind := "deb"
	if a.source {
		kind = "deb-src"
	}
	line := fmt.Sprintf("%s [signed-by=%s] %s %s main\n", kind, a.keyring, a.mirror, a.suite)
	if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(line), 0o600); err != nil {
		return err
	}
	return a.run(ctx, a.dir, "update")
}

// status is the list of a machine on which nothing is installed.
func (a apt) status() string { return filepath.Join(a.dir, "status") }

// run calls apt-get so that it neither reads the system's sources nor writes the system's state, and fails
// rather than take a list or package that Debian has not signed.
func (a apt) run(ctx context.Context, dir string, args ...string) error {
	return process.Run(ctx, process.Spec{
		Name: "apt-get", Path: "apt-get", Args: append(append(a.options(), "-q"), args...), Dir: dir,
		Env: []string{"DEBIAN_FRONTEND=noninteractive"}, Log: a.log, Level: slog.LevelDebug,
	})
}

// options are those that run speaks of.
func (a apt) options() []string {
	options := []string{
		"Dir::Etc::SourceList=" + filepath.Join(a.dir, "sources.list"), "Dir::Etc::SourceParts=/dev/null",
		"Dir::Etc::Preferences=/dev/null", "Dir::Etc::PreferencesParts=/dev/null",
		"Dir::State::Lists=" + filepath.Join(a.dir, "lists"), "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"Dir::State::status=" + a.status(),
		"APT::Update::Error-Mode=any", "APT::Get::AllowUnauthenticated=false",
		"Acquire::AllowInsecureRepositories=false", "Acquire::AllowWeakRepositories=false",
		"Acquire::Languages=none", "Acquire::Retries=2", "Acquire::http::Timeout=30", "Acquire::https::Timeout=30",
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false", "Acquire::IndexTargets::deb::CNF::DefaultEnabled=false",
	}
	var all []string
	for _, option := range options {
		all = append(all, "-o", option)
	}
	return all
}
