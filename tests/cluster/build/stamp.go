package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// stampFile is beside a module's programs and says what they were built from.
const stampFile = ".stamp.json"

type stamp struct {
	Source   string   `json:"source"`   // hash of everything that decides what the programs are
	Programs []string `json:"programs"` // those built from it
	Whole    bool     `json:"whole"`    // these are all that the module has
}

// stamp hashes the module's own files (go.sum pins everything else), the flags and the version of Go.
func (c Config) stamp(ctx context.Context, m module) (string, error) {
	sum := sha256.New()
	files, err := filepath.Glob(filepath.Join(c.source(m.name), "*.*"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read the module: %w", err)
		}
		fmt.Fprintf(sum, "%s %d\n", filepath.Base(file), len(content))
		sum.Write(content)
	}
	goes, err := c.run(ctx, m, "env", "GOVERSION", "GOOS", "GOARCH")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "%s\n%s\n", flags(m), goes)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// built is the stamp, if it speaks of this source and its programs are there.
func (c Config) built(m module, source string) (stamp, bool) {
	content, err := os.ReadFile(filepath.Join(c.home(m.name), stampFile))
	if err != nil {
		return stamp{}, false
	}
	var was stamp
	if err := json.Unmarshal(content, &was); err != nil || was.Source != source {
		return stamp{}, false
	}
	for _, name := range was.Programs {
		if _, err := os.Stat(c.Program(m.name, name)); err != nil {
			return stamp{}, false
		}
	}
	return was, true
}

// note writes the stamp. Programs that an earlier call built from the same source stay in it.
func (c Config) note(m module, now stamp) error {
	if earlier, ok := c.built(m, now.Source); ok {
		now.Programs = append(now.Programs, earlier.Programs...)
		now.Whole = now.Whole || earlier.Whole
	}
	slices.Sort(now.Programs)
	now.Programs = slices.Compact(now.Programs)
	content, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.home(m.name), stampFile), content, 0o644)
}

// Root is our checkout: the nearest folder with a go.mod, from the working directory upwards.
func Root() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no go.mod above %s", wd)
		}
	}
}
