package postgres

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"irc.now/shared/fault"
)

// oldest is the first version that has everything our migrations use (gen_random_uuid).
const oldest = 13

// programs are the binaries of one PostgreSQL version.
type programs struct {
	dir   string // holds postgres and initdb
	major int
}

func (p programs) path(program string) string { return filepath.Join(p.dir, program) }

// installed are the places where distributions put the binaries; those on PATH come first.
var installed = []string{
	"/usr/lib/postgresql/*/bin",         // Debian
	"/usr/pgsql-*/bin",                  // PostgreSQL's own RPMs
	"/opt/homebrew/opt/postgresql*/bin", // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// find looks for installed binaries and gets some where there are none. A data directory that exists already can
// only be served by the version that made it.
func find(ctx context.Context, config Config) (programs, error) {
	wanted, err := dataVersion(dataDir(config.Dir))
	if err != nil {
		return programs{}, err
	}
	if found, ok := pick(candidates(ctx, config), wanted); ok {
		return found, nil
	}
	if wanted == 0 || wanted == embeddedMajor {
		return get(ctx, config)
	}
	return programs{}, fault.New(fault.Unavailable,
		"The data in %s was made by PostgreSQL %d, which is not installed. Install it, or remove the folder to start afresh.",
		config.Dir, wanted)
}

// pick takes the wanted version, or the newest where any will do.
func pick(found []programs, wanted int) (programs, bool) {
	best := programs{}
	for _, p := range found {
		if p.major == wanted {
			return p, true
		}
		if wanted == 0 && p.major >= oldest && p.major > best.major {
			best = p
		}
	}
	return best, best.major != 0
}

func candidates(ctx context.Context, config Config) []programs {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, pattern := range installed {
		matches, _ := filepath.Glob(pattern) // the patterns are well-formed
		slices.Reverse(matches)
		dirs = append(dirs, matches...)
	}
	dirs = append(dirs, filepath.Join(downloadDir(config), "bin"))
	var found []programs
	for _, dir := range dirs {
		if p, err := examine(ctx, dir); err == nil {
			found = append(found, p)
		}
	}
	return found
}

var errNoPrograms = errors.New("no PostgreSQL binaries")

// examine asks the binaries in dir for their version: "postgres (PostgreSQL) 15.18 (Debian …)".
func examine(ctx context.Context, dir string) (programs, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return programs{}, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return programs{}, err
	}
	_, version, _ := strings.Cut(string(out), ") ")
	number, _, _ := strings.Cut(version, ".")
	major, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil {
		return programs{}, errNoPrograms
	}
	return programs{dir: dir, major: major}, nil
}

// dataVersion is the major version that made the data directory, 0 where there is none yet.
func dataVersion(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, onDisk(dir, err)
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
