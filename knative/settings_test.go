package knative_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"irc.now/knative/render"
)

// hosted are the variables that every program reads (shared/program).
var hosted = []string{"METRICS_ADDRESS"}

func TestFunctionsGetTheSettingsTheyRead(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			if object.Kind() == "Service" && object.APIVersion() == "serving.knative.dev/v1" {
				checkSettings(t, overlay+", "+object.Name(), object, "../functions/"+object.Name(), hosted)
			}
		}
	}
}

func TestTheOperatorGetsTheSettingsItReads(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			if object.Kind() == "Deployment" && object.Name() == "operator" {
				checkSettings(t, overlay, object, "../operators/operator", hosted)
			}
		}
	}
}

// checkSettings compares the environment in a manifest with what the program in folder reads.
func checkSettings(t *testing.T, name string, object render.Object, folder string, more []string) {
	t.Helper()
	set := environment(containersOf(object)[0])
	read, err := settingsOf(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) == 0 {
		t.Fatalf("%s: no settings are found in %s", name, folder)
	}
	for variable, required := range read {
		if _, ok := set[variable]; required && !ok {
			t.Errorf("%s: %s is required and not set", name, variable)
		}
	}
	for variable := range set {
		_, known := read[variable]
		if !known && !slices.Contains(more, variable) && !expanded(set, variable) {
			t.Errorf("%s: %s is set, and nothing reads it", name, variable)
		}
	}
}

// expanded reports whether another variable's value is made with this one.
func expanded(set map[string]any, variable string) bool {
	for _, one := range set {
		value, _ := dig(one, "value").(string)
		if strings.Contains(value, "$("+variable+")") {
			return true
		}
	}
	return false
}

var update = flag.Bool("update", false, "write the environments of functions/*/func.yaml")

// A function's own file is what `func deploy` uses; it and the manifest must not drift apart.
func TestFunctionsFilesAgreeWithTheManifests(t *testing.T) {
	files, err := filepath.Glob("../functions/*/func.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no functions (%v)", err)
	}
	manifests := map[string]render.Object{}
	for _, object := range rendered(t, "generic") {
		if object.APIVersion() == "serving.knative.dev/v1" {
			manifests[object.Name()] = object
		}
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		manifest, ok := manifests[name]
		if !ok {
			t.Errorf("functions/%s has no manifest", name)
			continue
		}
		delete(manifests, name)
		checkFile(t, file, manifest)
	}
	for name := range manifests {
		t.Errorf("the manifest %s belongs to no folder in functions", name)
	}
}

// checkFile compares the environment in a func.yaml, or writes it.
func checkFile(t *testing.T, file string, manifest render.Object) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(content), "  envs:\n")
	_, tail, ended := strings.Cut(rest, "\ndeploy:\n")
	if !ok || !ended {
		t.Fatalf("%s has no environment", file)
	}
	want := head + "  envs:\n" + written(containersOf(manifest)[0]) + "deploy:\n" + tail
	if want == string(content) {
		return
	}
	if !*update {
		t.Errorf("%s: the environment is not the manifest's, which go test ./knative -update writes there:\n%s", file, want)
		return
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// written is a container's environment as func.yaml has it, without what func's own runtime sets.
func written(container any) string {
	var text strings.Builder
	for _, one := range list(dig(container, "env")) {
		name := dig(one, "name")
		if name == "METRICS_ADDRESS" {
			continue
		}
		value := fmt.Sprint(dig(one, "value"))
		for source, word := range map[string]string{"secretKeyRef": "secret", "configMapKeyRef": "configMap"} {
			if from := dig(one, "valueFrom", source); from != nil {
				value = fmt.Sprintf("{{ %s:%s:%s }}", word, dig(from, "name"), dig(from, "key"))
			}
		}
		fmt.Fprintf(&text, "    - name: %s\n      value: %q\n", name, value)
	}
	return text.String()
}

// environment is a container's, by variable.
func environment(container any) map[string]any {
	set := map[string]any{}
	for _, one := range list(dig(container, "env")) {
		set[word(one, "name")] = one
	}
	return set
}

// settingsOf are the variables that the program in folder reads through tags such as `env:"BASE_URL,required"`, and
// whether each is required. Structs of other packages count where they are embedded or a field has their type.
func settingsOf(folder string) (map[string]bool, error) {
	found := map[string]bool{}
	return found, eachStruct(folder, func(file *ast.File, _ string, fields *ast.StructType) error {
		for _, field := range fields.Fields.List {
			if variable, required, ok := tagged(field); ok {
				found[variable] = required
				continue
			}
			more, err := settingsOfType(file, field.Type)
			if err != nil {
				return err
			}
			maps.Copy(found, more)
		}
		return nil
	})
}

func tagged(field *ast.Field) (variable string, required, ok bool) {
	if field.Tag == nil {
		return "", false, false
	}
	text, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return "", false, false
	}
	tag, ok := reflect.StructTag(text).Lookup("env")
	variable, options, _ := strings.Cut(tag, ",")
	return variable, slices.Contains(strings.Split(options, ","), "required"), ok
}

// settingsOfType are those of a struct called Settings in another package of ours.
func settingsOfType(file *ast.File, typ ast.Expr) (map[string]bool, error) {
	selector, ok := typ.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Settings" {
		return nil, nil
	}
	from, ok := selector.X.(*ast.Ident)
	if !ok {
		return nil, nil
	}
	for _, imported := range file.Imports {
		path, err := strconv.Unquote(imported.Path.Value)
		if err != nil {
			return nil, err
		}
		if ours, ok := strings.CutPrefix(path, "irc.now/"); ok && filepath.Base(path) == from.Name {
			return settingsOf(filepath.Join("..", ours))
		}
	}
	return nil, fmt.Errorf("no import is called %s", from.Name)
}

// eachStruct visits the structs of the package in folder, its tests excepted.
func eachStruct(folder string, visit func(*ast.File, string, *ast.StructType) error) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, entry.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		var failed error
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.TypeSpec); ok {
				if fields, ok := spec.Type.(*ast.StructType); ok && failed == nil {
					failed = visit(file, spec.Name.Name, fields)
				}
			}
			return true
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}
