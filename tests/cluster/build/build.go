// Package build builds the programs that a test cluster consists of (Kubernetes, containerd, Knative, …) from the
// modules under tests/tools. Each has a go.mod of its own, because they disagree about their dependencies; that go.mod
// lists the programs as its tools, and its go.sum pins every byte of them.
//
// Programs land in .cache/cluster/bin/<module>/. What is up to date is left alone. One module is built after the
// other, since each build keeps all processors busy.
package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// module is a folder of tests/tools.
type module struct {
	name string
	// names are programs' names by import path, where that does not end in a good one.
	names map[string]string
	// ldflags are added to those of all modules.
	ldflags string
	// cold is how long it takes on two processors with an empty build cache.
	cold time.Duration
}

// versioned makes Kubernetes' programs say which version they are: clients refuse to talk to v0.0.0.
const versioned = "-X k8s.io/component-base/version.gitVersion=v1.36.3" +
	" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

// modules are in the order in which a cluster needs them.
var modules = []module{
	{name: "etcd", names: map[string]string{"go.etcd.io/etcd/server/v3": "etcd"}, cold: time.Minute},
	{name: "kubernetes", ldflags: versioned, cold: 8 * time.Minute},
	{name: "containerd", cold: 3 * time.Minute},
	{name: "networkpolicies", cold: 2 * time.Minute},
	{name: "coredns", cold: 3 * time.Minute},
	{name: "serving", cold: 3 * time.Minute},
	{name: "eventing", cold: 4 * time.Minute},
	{name: "certmanager", cold: 5 * time.Minute},
	{name: "cnpg", cold: 5 * time.Minute},
	{name: "traefik", cold: 11 * time.Minute},
}

// Names are all modules, in the order in which a cluster needs them.
func Names() []string {
	names := make([]string, len(modules))
	for i, m := range modules {
		names[i] = m.name
	}
	return names
}

// Config says where to build.
type Config struct {
	Root     string    // our checkout
	Progress io.Writer // gets a line for each step; nil means nobody
}

// Program is the path of a program that Build has built.
func (c Config) Program(module, name string) string { return filepath.Join(c.home(module), name) }

// Build builds what the named modules hold and is not up to date; without names, all of them. A name may be a whole
// module, or one program of it: "kubernetes/kube-apiserver".
func (c Config) Build(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		names = Names()
	}
	for _, name := range names {
		folder, program, _ := strings.Cut(name, "/")
		at := slices.IndexFunc(modules, func(m module) bool { return m.name == folder })
		if at < 0 {
			return fmt.Errorf("build %s: there is no such module; there are %s", name, strings.Join(Names(), ", "))
		}
		if err := c.module(ctx, modules[at], program); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return nil
}

func (c Config) home(module string) string {
	return filepath.Join(c.Root, ".cache", "cluster", "bin", module)
}

func (c Config) source(module string) string {
	return filepath.Join(c.Root, "tests", "tools", module)
}

// module builds the one program, or all of them if program is empty.
func (c Config) module(ctx context.Context, m module, program string) error {
	began := time.Now()
	want, err := c.stamp(ctx, m)
	if err != nil {
		return err
	}
	if was, ok := c.built(m, want); ok && (was.Whole || slices.Contains(was.Programs, program)) {
		return nil
	}
	paths, err := c.programs(ctx, m)
	if err != nil {
		return err
	}
	if program != "" {
		if paths[program] == "" {
			return errors.New("it has no such program")
		}
		paths = map[string]string{program: paths[program]}
	}
	c.say("building %s (%d programs; with an empty build cache about %s)", m.name, len(paths), m.cold)
	if err := c.compile(ctx, m, paths); err != nil {
		return err
	}
	if err := c.note(m, stamp{Source: want, Programs: slices.Collect(maps.Keys(paths)), Whole: program == ""}); err != nil {
		return err
	}
	c.say("built %s in %.0f s", m.name, time.Since(began).Seconds())
	return nil
}

var version = regexp.MustCompile(`^v\d+$`)

// programs are the import paths of a module's programs by their file names.
func (c Config) programs(ctx context.Context, m module) (map[string]string, error) {
	out, err := c.run(ctx, m, "list", "-f", "{{.ImportPath}}", "tool")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for importPath := range strings.FieldsSeq(out) {
		name := path.Base(importPath)
		if version.MatchString(name) {
			name = path.Base(path.Dir(importPath))
		}
		if given := m.names[importPath]; given != "" {
			name = given
		}
		if other := found[name]; other != "" {
			return nil, fmt.Errorf("both %s and %s are called %s", other, importPath, name)
		}
		found[name] = importPath
	}
	return found, nil
}

// compile builds all programs at once where their names are their paths', which shares the work of loading.
func (c Config) compile(ctx context.Context, m module, programs map[string]string) error {
	if err := os.MkdirAll(c.home(m.name), 0o755); err != nil {
		return fmt.Errorf("make the folder of programs: %w", err)
	}
	var together []string
	for name, importPath := range programs {
		if m.names[importPath] == "" {
			together = append(together, importPath)
			continue
		}
		if _, err := c.run(ctx, m, "build", "-ldflags", flags(m), "-o", c.Program(m.name, name), importPath); err != nil {
			return err
		}
	}
	if len(together) == 0 {
		return nil
	}
	slices.Sort(together)
	args := []string{"build", "-ldflags", flags(m), "-o", c.home(m.name) + string(filepath.Separator)}
	_, err := c.run(ctx, m, append(args, together...)...)
	return err
}

func flags(m module) string { return strings.TrimSpace("-s -w " + m.ldflags) }

// run calls go in the module's folder and returns what it prints.
func (c Config) run(ctx context.Context, m module, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = c.source(m.name)
	// Static, so that each runs in an image without anything else. GOFLAGS of the caller are for our own module.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	out, err := cmd.Output()
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(string(failed.Stderr)))
	}
	return string(out), err
}

func (c Config) say(format string, args ...any) {
	if c.Progress != nil {
		fmt.Fprintf(c.Progress, format+"\n", args...)
	}
}
