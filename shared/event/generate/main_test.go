package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"irc.now/shared/event"
)

var update = flag.Bool("update", false, "write docs/events.md")

func root(t *testing.T) string {
	t.Helper()
	dir, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheReferenceIsUpToDate(t *testing.T) {
	want, err := render(root(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root(t), target)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say (%v): run `go generate ./shared/event`", target, err)
	}
}

func TestEveryExampleFollowsItsSchema(t *testing.T) {
	reflector, err := newReflector(root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range event.Catalogue() {
		encoded, err := json.Marshal(reflector.Reflect(entry.Example))
		if err != nil {
			t.Fatal(err)
		}
		document, err := validator.UnmarshalJSON(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		compiler := validator.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource("schema.json", document); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile("schema.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, entry.Example)); err != nil {
			t.Errorf("%s: %v", entry.Type, err)
		}
		if err := schema.Validate(map[string]any{}); err == nil {
			t.Errorf("%s: its schema takes an empty object", entry.Type)
		}
	}
}

func asJSON(t *testing.T, value any) any {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	back, err := validator.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// TestTheCatalogueIsComplete finds every type with a method Type in the package's sources.
func TestTheCatalogueIsComplete(t *testing.T) {
	var listed []string
	for _, entry := range event.Catalogue() {
		listed = append(listed, reflect.TypeOf(entry.Example).Name())
	}
	files, err := filepath.Glob(filepath.Join(root(t), "shared", "event", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			method, is := declaration.(*ast.FuncDecl)
			if !is || method.Recv == nil || method.Name.Name != "Type" {
				continue
			}
			receiver, is := method.Recv.List[0].Type.(*ast.Ident)
			if !is || !slices.Contains(listed, receiver.Name) {
				t.Errorf("%s: the receiver of Type is not in the catalogue", path)
			}
		}
	}
}
