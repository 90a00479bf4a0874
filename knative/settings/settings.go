// Package settings reads from our source which environment variables each program takes, so that manifests can be
// held to them and a page can list them.
//
// It owns how a variable is found: by the tags of structs (`env:"BASE_URL,required"`, `envDefault:"…"`), and their
// fields' comments. It never runs a program, and knows no values.
package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:generate go run ./generate

// Variable is one that a program reads.
type Variable struct {
	Name     string
	Required bool
	Default  string
	Meaning  string // from the field's comment, "" where it has none
}

// Program is what is started with an environment of its own.
type Program struct {
	Name    string
	Folders []string // of its packages with settings, below the root
}

// Programs are all functions, and what runs all the time: what has a folder cmd. root is the repository's.
func Programs(root string) ([]Program, error) {
	var programs []Program
	for _, pattern := range []string{"functions/*/cmd", "longrunning/*/cmd"} {
		mains, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(mains) == 0 {
			return nil, fmt.Errorf("there is no program at %s (%w)", pattern, err)
		}
		for _, main := range mains {
			folder, err := filepath.Rel(root, filepath.Dir(main))
			if err != nil {
				return nil, fmt.Errorf("name the program at %s: %w", main, err)
			}
			programs = append(programs, Program{filepath.Base(folder), []string{folder, filepath.Join(folder, "cmd")}})
		}
	}
	return append(programs, Program{"operator", []string{"operators/operator"}}), nil
}

// Find is the program of that name.
func Find(root, name string) (Program, error) {
	programs, err := Programs(root)
	if err != nil {
		return Program{}, err
	}
	at := slices.IndexFunc(programs, func(p Program) bool { return p.Name == name })
	if at < 0 {
		return Program{}, fmt.Errorf("there is no program %s", name)
	}
	return programs[at], nil
}

// Variables are those that the program reads, each once, in the order of its source.
func (p Program) Variables(root string) ([]Variable, error) {
	var found []Variable
	for _, folder := range p.Folders {
		source, err := parse(root, folder)
		if err != nil {
			return nil, fmt.Errorf("read the settings of %s: %w", p.Name, err)
		}
		for _, s := range source.structs {
			if !s.settings() {
				continue
			}
			more, err := s.variables(root)
			if err != nil {
				return nil, fmt.Errorf("read the settings of %s: %w", p.Name, err)
			}
			found = append(found, more...)
		}
	}
	return once(found), nil
}

// once leaves out what is there already, and keeps the first meaning.
func once(variables []Variable) []Variable {
	var kept []Variable
	for _, v := range variables {
		at := slices.IndexFunc(kept, func(k Variable) bool { return k.Name == v.Name })
		if at < 0 {
			kept = append(kept, v)
			continue
		}
		kept[at].Required = kept[at].Required || v.Required
		if kept[at].Meaning == "" {
			kept[at].Meaning = v.Meaning
		}
	}
	return kept
}

// isSource reports whether a file is part of a program, not of its tests.
func isSource(entry os.DirEntry) bool {
	return strings.HasSuffix(entry.Name(), ".go") && !strings.HasSuffix(entry.Name(), "_test.go")
}
