package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	embedded "github.com/fergusstrange/embedded-postgres"

	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/fault"
)

// The version that is downloaded where none is installed.
const (
	embeddedVersion = embedded.V17
	embeddedMajor   = 17
)

// get installs PostgreSQL: from Debian as root, else binaries that need no installation.
func get(ctx context.Context, config Config) (programs, error) {
	if process.IsRoot() {
		if apt, err := exec.LookPath("apt-get"); err == nil {
			return installDebian(ctx, config, apt)
		}
	}
	return download(ctx, config)
}

// installDebian installs the distribution's server, but keeps it from starting one of its own: we want binaries,
// not a service on port 5432.
func installDebian(ctx context.Context, config Config, apt string) (programs, error) {
	config.Progress("Installing PostgreSQL with apt-get; this takes a minute.")
	steps := []func() error{
		func() error { return run(ctx, config, apt, "-q", "update") },
		func() error { return aptInstall(ctx, config, apt, "postgresql-common") },
		keepFromStarting,
		func() error { return aptInstall(ctx, config, apt, "postgresql") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return programs{}, fault.Wrap(err, fault.Unavailable,
				"PostgreSQL could not be installed. Install it with: apt-get install postgresql")
		}
	}
	found, ok := pick(candidates(ctx, config), 0)
	if !ok {
		return programs{}, fault.New(fault.Unavailable,
			"The PostgreSQL that apt-get installed is older than version %d, which is too old. Set DATABASE_URL to a newer server.", oldest)
	}
	return found, nil
}

func aptInstall(ctx context.Context, config Config, apt, name string) error {
	return run(ctx, config, apt, "-q", "-y", "install", "--no-install-recommends", name)
}

func run(ctx context.Context, config Config, program string, args ...string) error {
	return process.Run(ctx, process.Spec{
		Name: filepath.Base(program), Path: program, Args: args, Log: config.Log,
		Env: []string{"DEBIAN_FRONTEND=noninteractive"},
	})
}

// keepFromStarting uses the switch that postgresql-common has for this.
func keepFromStarting() error {
	const dir = "/etc/postgresql-common/createcluster.d"
	if err := os.MkdirAll(dir, 0o755); err != nil { // others read it, as all of /etc
		return err
	}
	return os.WriteFile(filepath.Join(dir, "irc.now.conf"), []byte("create_main_cluster = false\n"), 0o644) // others read it, as all of /etc
}

// downloadDir is where downloaded binaries live. As root that cannot be config.Dir: the user whom the server runs as
// need not be able to reach it, and a program finds its libraries by walking there.
func downloadDir(config Config) string {
	name := fmt.Sprintf("postgresql-%d", embeddedMajor)
	if process.IsRoot() {
		return filepath.Join("/var/cache/irc.now", name)
	}
	return filepath.Join(config.Dir, name)
}

// download fetches binaries from Maven Central by way of embedded-postgres, which knows how to only as part of a
// start; so one is started in a scratch directory. As root that start fails by design, after the download.
func download(ctx context.Context, config Config) (programs, error) {
	config.Progress("Downloading PostgreSQL; this takes a minute.")
	dir := downloadDir(config)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil { // the server's user has to get there
		return programs{}, onDisk(dir, err)
	}
	scratch, err := os.MkdirTemp("", "irc.now-postgres-")
	if err != nil {
		return programs{}, onDisk(os.TempDir(), err)
	}
	defer os.RemoveAll(scratch)
	startErr := startEmbedded(dir, scratch)
	found, err := examine(ctx, filepath.Join(dir, "bin"))
	if err != nil {
		return programs{}, fault.Wrap(errors.Join(startErr, err), fault.Unavailable,
			"PostgreSQL is not installed and could not be downloaded. Install it (Debian: apt-get install postgresql; macOS: brew install postgresql), or set DATABASE_URL.")
	}
	return found, nil
}

func startEmbedded(dir, scratch string) error {
	port, release, err := servers.FreePort()
	if err != nil {
		return err
	}
	defer release()
	database := embedded.NewDatabase(embedded.DefaultConfig().
		Version(embeddedVersion).Port(uint32(port)).
		BinariesPath(dir).
		RuntimePath(filepath.Join(scratch, "run")).CachePath(filepath.Join(scratch, "cache")).
		DataPath(filepath.Join(scratch, "data")).Logger(io.Discard).
		StartParameters(map[string]string{"listen_addresses": host}))
	if err := database.Start(); err != nil {
		return err
	}
	return database.Stop()
}
