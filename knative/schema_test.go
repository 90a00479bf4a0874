package knative_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"irc.now/knative/render"
	"irc.now/tests/release"
)

// kind is what an object calls itself.
type kind struct{ apiVersion, name string }

// schemas are the strict schemas of every kind that a manifest may use.
type schemas struct {
	compiler *validator.Compiler
	where    map[kind]string // where the compiler finds a kind
}

// load reads all schemas, once for all tests.
var load = sync.OnceValues(func() (*schemas, error) {
	folders, err := release.Folders("..")
	if err != nil {
		return nil, err
	}
	files, err := release.Definitions("..")
	if err != nil {
		return nil, err
	}
	s := &schemas{compiler: validator.NewCompiler(), where: map[kind]string{}}
	s.compiler.DefaultDraft(validator.Draft4) // OpenAPI's dialect of the keywords that count here
	if err := s.addKubernetes(folders[release.Kubernetes]); err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := s.addDefinition(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return s, nil
})

// addKubernetes adds what the API server publishes about its own kinds: a file for each group and version.
func (s *schemas) addKubernetes(module string) error {
	files, err := filepath.Glob(filepath.Join(module, "api/openapi-spec/v3/api*__v*_openapi.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("there are no schemas of Kubernetes in %q (%w)", module, err)
	}
	for _, file := range files {
		document, err := read(file)
		if err != nil {
			return err
		}
		components, _ := document["components"].(map[string]any)
		published, _ := components["schemas"].(map[string]any)
		url := "kubernetes:///" + filepath.Base(file)
		for name, schema := range published {
			for _, is := range kindsOf(schema) {
				s.where[is] = url + "#/components/schemas/" + name
			}
			restrict(schema)
		}
		if err := s.compiler.AddResource(url, document); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func kindsOf(schema any) []kind {
	fields, _ := schema.(map[string]any)
	list, _ := fields["x-kubernetes-group-version-kind"].([]any)
	var kinds []kind
	for _, one := range list {
		version := word(one, "version")
		if group := word(one, "group"); group != "" {
			version = group + "/" + version
		}
		kinds = append(kinds, kind{version, word(one, "kind")})
	}
	return kinds
}

// objectMeta is the schema of metadata, which definitions leave to the API server.
const objectMeta = "kubernetes:///api__v1_openapi.json#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// addDefinition adds the kind of a custom resource definition, in all its versions.
func (s *schemas) addDefinition(file string) error {
	document, err := read(file)
	if err != nil || document["kind"] != "CustomResourceDefinition" {
		return err
	}
	var definition struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Served bool
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := convert(document, &definition); err != nil {
		return err
	}
	for _, version := range definition.Spec.Versions {
		if !version.Served {
			continue
		}
		is := kind{definition.Spec.Group + "/" + version.Name, definition.Spec.Names.Kind}
		schema := version.Schema.OpenAPIV3Schema
		restrict(schema)
		properties, ok := schema["properties"].(map[string]any)
		if !ok {
			return fmt.Errorf("%s of %s has no schema", is.name, is.apiVersion)
		}
		addObject(properties)
		url := "definition:///" + is.apiVersion + "/" + is.name
		if err := s.compiler.AddResource(url, schema); err != nil {
			return err
		}
		s.where[is] = url
	}
	return nil
}

// restrict makes a schema refuse fields that it does not name, as the API server does when it is asked to be strict,
// and says in JSON Schema what OpenAPI and Kubernetes say in their own words.
func restrict(schema any) {
	fields, ok := schema.(map[string]any)
	if !ok {
		return
	}
	properties, named := fields["properties"].(map[string]any)
	_, more := fields["additionalProperties"]
	if named && !more && fields["x-kubernetes-preserve-unknown-fields"] != true {
		if fields["x-kubernetes-embedded-resource"] == true {
			addObject(properties)
		}
		fields["additionalProperties"] = false
	}
	if fields["x-kubernetes-int-or-string"] == true {
		delete(fields, "type")
		fields["anyOf"] = []any{map[string]any{"type": "integer"}, map[string]any{"type": "string"}}
	}
	for _, inner := range properties {
		restrict(inner)
	}
	restrict(fields["items"])
	restrict(fields["additionalProperties"])
}

// addObject adds what every object has and definitions leave out.
func addObject(properties map[string]any) {
	properties["apiVersion"] = map[string]any{"type": "string"}
	properties["kind"] = map[string]any{"type": "string"}
	properties["metadata"] = map[string]any{"$ref": objectMeta}
}

// check reports what is wrong with an object.
func (s *schemas) check(object render.Object) error {
	where, ok := s.where[kind{object.APIVersion(), object.Kind()}]
	if !ok {
		return fmt.Errorf("no schema is known for %s of %s", object.Kind(), object.APIVersion())
	}
	schema, err := s.compiler.Compile(where)
	if err != nil {
		return fmt.Errorf("compile the schema: %w", err)
	}
	var plain any
	if err := convert(object, &plain); err != nil {
		return err
	}
	return schema.Validate(plain)
}

// read is the first document of a YAML or JSON file.
func read(file string) (map[string]any, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return document, nil
}

func convert(from, to any) error {
	content, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, to)
}

// rendered are the objects of an overlay.
// overlays are the names of all overlays, those of whoever deploys included.
func overlays(t *testing.T) []string {
	t.Helper()
	names, err := render.Overlays("..")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no overlays: %v", err)
	}
	return names
}

func rendered(t *testing.T, overlay string) []render.Object {
	t.Helper()
	objects, err := render.Overlay("..", overlay)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}
