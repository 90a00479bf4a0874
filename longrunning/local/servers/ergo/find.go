package ergo

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"irc.now/longrunning/local/servers/debian"
	"irc.now/shared/fault"
)

// Program is an ergo that runs on this machine.
type Program struct {
	Path    string
	Version string // such as 2.18.0
	// PostgreSQL tells whether it can keep history in PostgreSQL. Debian's own program cannot.
	PostgreSQL bool
	Env        []string
}

// Find gets ergo: from PATH, else built with PostgreSQL (see [Build]), else out of a Debian package into cacheDir. It
// says on log what it does, since a download takes a while, and what it took. Where nothing works the error tells how to
// install ergo.
func Find(ctx context.Context, cacheDir string, log *slog.Logger) (Program, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if p, ok := installed(ctx); ok {
		p.tell(ctx, log, "PATH")
		return p, nil
	}
	p, err := Build(ctx, cacheDir, log)
	if err == nil {
		p.tell(ctx, log, "Debian's source")
		return p, nil
	}
	if !errors.Is(err, debian.ErrNotDebian) && ctx.Err() == nil {
		log.WarnContext(ctx, "no ergo with PostgreSQL could be built, so Debian's own is taken", slog.Any("error", err))
		if p, err = packaged(ctx, cacheDir, log); err == nil {
			p.tell(ctx, log, "Debian")
			return p, nil
		}
	}
	return Program{}, fault.Wrap(err, fault.Unavailable,
		"There is no ergo to run. Install it (with Homebrew: brew install ergo; elsewhere see ergo.chat) so that it is on PATH, then try again.")
}

// tell says which program was taken, and what that means.
func (p Program) tell(ctx context.Context, log *slog.Logger, origin string) {
	log = log.With(slog.String("version", p.Version), slog.String("origin", origin), slog.String("path", p.Path))
	if p.PostgreSQL {
		log.InfoContext(ctx, "history is kept in PostgreSQL")
	} else {
		log.InfoContext(ctx, "this ergo was built without PostgreSQL, so history is forgotten when it restarts")
	}
}

func installed(ctx context.Context) (Program, bool) {
	for _, name := range []string{"ergochat", "ergo"} { // Debian's name and everyone else's
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if version, ok := versionOf(ctx, path); ok && usable(version) {
			return Program{Path: path, Version: version, PostgreSQL: hasPostgreSQL(path)}, true
		}
	}
	return Program{}, false
}

// packaged is the program that Debian built.
func packaged(ctx context.Context, cacheDir string, log *slog.Logger) (Program, error) {
	p, err := debian.Get(ctx, debian.Request{
		Dir: cacheDir, Name: "ergochat", Suites: []string{"sid", "trixie"}, Log: log, Probe: []string{"usr/bin/ergochat", "--version"},
	})
	if err != nil {
		return Program{}, err
	}
	path := filepath.Join(p.Root, "usr/bin/ergochat")
	return Program{Path: path, Version: p.Version, PostgreSQL: hasPostgreSQL(path), Env: p.Env()}, nil
}

// built is where Build puts the program.
const built = "usr/local/bin/ergo"

// Build makes an ergo that keeps history in PostgreSQL, into cacheDir, or gives the one that an earlier call made. The
// sources are those of Debian's package, whose hashes Debian signs; the modules that they need come with the hashes of
// their go.sum from where go gets modules. It takes about a minute.
func Build(ctx context.Context, cacheDir string, log *slog.Logger) (Program, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p, err := debian.Get(ctx, debian.Request{
		Dir: cacheDir, Name: "ergochat", Suites: []string{"sid"}, Log: log, Probe: []string{built, "--version"},
		Build: func(ctx context.Context, source, root string) error {
			log.InfoContext(ctx, "building ergo with PostgreSQL; this takes a minute or two, once")
			return compile(ctx, source, filepath.Join(root, built))
		},
	})
	if err != nil {
		return Program{}, fmt.Errorf("build ergo with PostgreSQL: %w", err)
	}
	path := filepath.Join(p.Root, built)
	return Program{Path: path, Version: p.Version, PostgreSQL: hasPostgreSQL(path)}, nil
}

// compile is upstream's own way to a static program, with nothing of our module's flags.
func compile(ctx context.Context, source, program string) error {
	command := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-tags="+tag, "-ldflags=-s -w", "-o", program, ".")
	command.Dir = source
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

// tag is what ergo has to be built with to know PostgreSQL.
const tag = "postgresql"

// hasPostgreSQL reads the tags that the program was built with, which go writes into every program.
func hasPostgreSQL(path string) bool {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "-tags" && slices.Contains(strings.Split(s.Value, ","), tag)
	})
}

// versionOf tells the IRC server from other programs called ergo.
func versionOf(ctx context.Context, path string) (string, bool) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", false
	}
	version, found := strings.CutPrefix(strings.TrimSpace(string(out)), "ergo-")
	return version, found
}

// usable asks for 2.15 or newer, the oldest that a Debian release has and the configuration is made for.
func usable(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 2 || major == 2 && minor >= 15
}
