package addons

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
)

// sources finds upstream's manifests: they come with the modules that the programs are built from, so that neither can
// be of another version than the other.
type sources struct{ root string }

// dir is where the module cache has a dependency of a module under tests/tools; it is downloaded where it is missing.
func (s sources) dir(ctx context.Context, module, dependency string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", dependency)
	cmd.Dir = filepath.Join(s.root, "tests", "tools", module)
	cmd.Env = append(cmd.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	var found struct{ Dir, Error string }
	if parsed := json.Unmarshal(out, &found); parsed == nil && found.Error != "" {
		err = errors.New(found.Error)
	} else {
		err = errors.Join(err, parsed)
	}
	if err != nil {
		return "", fmt.Errorf("finding %s of tests/tools/%s: %w", dependency, module, err)
	}
	return found.Dir, nil
}

// folders reads manifests of several dependencies of one module.
func (s sources) folders(ctx context.Context, module string, wanted map[string][]string) ([]*object, error) {
	var all []*object
	for _, dependency := range slices.Sorted(maps.Keys(wanted)) {
		dir, err := s.dir(ctx, module, dependency)
		if err != nil {
			return nil, err
		}
		objects, err := readFolders(dir, wanted[dependency]...)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	return all, nil
}
