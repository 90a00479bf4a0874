package knative_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"irc.now/knative/render"
)

func TestEveryObjectHasARealSchemaAndKeepsToIt(t *testing.T) {
	known, err := load()
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, objects []render.Object) {
		t.Helper()
		if len(objects) == 0 {
			t.Fatal("there are no objects")
		}
		for _, object := range objects {
			if err := known.check(object); err != nil {
				t.Errorf("%s: %v", object, err)
			}
		}
	}
	for _, overlay := range overlays(t) {
		t.Run(overlay, func(t *testing.T) { check(t, rendered(t, overlay)) })
	}
	for _, folder := range []string{"argocd", "prerequisites"} {
		t.Run(folder, func(t *testing.T) {
			objects, err := render.Folder(folder)
			if err != nil {
				t.Fatal(err)
			}
			check(t, objects)
		})
	}
}

// A check that accepts everything would pass as well.
func TestTheSchemasRefuseMistakes(t *testing.T) {
	known, err := load()
	if err != nil {
		t.Fatal(err)
	}
	metadata := map[string]any{"name": "a"}
	for name, object := range map[string]render.Object{
		"an unknown field of a built-in kind": {
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automount": true,
		},
		"an unknown field of metadata": {
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "a", "label": "b"},
		},
		"an unknown field deep in a function": {
			"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": metadata,
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{
				map[string]any{"image": "a", "readynessProbe": map[string]any{}},
			}}}},
		},
		"a bouncer of no known role": {
			"apiVersion": "irc.now/v1alpha1", "kind": "SojuBouncer", "metadata": metadata, "spec": map[string]any{"role": "king"},
		},
		"a number in the place of words": {
			"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": metadata,
			"spec": map[string]any{"instances": 1, "imageName": 3},
		},
		"a certificate without an issuer": {
			"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata, "spec": map[string]any{"secretName": "a"},
		},
		"a kind that nobody defines": {"apiVersion": "irc.now/v1alpha1", "kind": "Teapot", "metadata": metadata},
	} {
		if known.check(object) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// variable is the path of an environment variable's name, which may be the same word.
var variable = regexp.MustCompile(`\.env\.[0-9]+\.name$`)

// references are what Kubernetes itself replaces by a variable of the same container.
var references = regexp.MustCompile(`\$\([A-Z_]+\)`)

// Settings that no replacement reaches would be applied as they stand.
func TestNoPlaceholderIsLeft(t *testing.T) {
	placeholders := []string{"DOMAIN", "ISSUER", "ISSUER_KIND", "ISSUER_NAME", "INTERNAL_ISSUER", "PLATFORM", "SINK", "GATEWAY_CLASS"}
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			for path, value := range values(object) {
				value = references.ReplaceAllString(value, "")
				if slices.ContainsFunc(strings.FieldsFunc(value, punctuation), func(word string) bool {
					return slices.Contains(placeholders, word) && !variable.MatchString(path)
				}) {
					t.Errorf("%s, %s: %s is %q", overlay, object, path, value)
				}
			}
		}
	}
}

func punctuation(r rune) bool { return strings.ContainsRune("./:*@$()", r) }

func TestNothingThatIsNotForTheClusterIsApplied(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			switch {
			case object.Kind() == "Secret":
				t.Errorf("%s: %s: values of secrets are no part of the repository", overlay, object)
			case object.Kind() == "ConfigMap" && object.Name() == "settings":
				t.Errorf("%s: the overlay's own settings are applied", overlay)
			}
		}
	}
}

// Every file is some kustomization's resource, patch or replacement.
func TestNoFileIsForgotten(t *testing.T) {
	named := map[string]bool{}
	var files []string
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" || strings.Contains(path, "testdata") {
			return err
		}
		if entry.Name() != "kustomization.yaml" {
			files = append(files, path)
			return nil
		}
		content, err := read(path)
		if err != nil {
			return err
		}
		for _, value := range values(content) {
			named[filepath.Join(filepath.Dir(path), value)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !named[file] {
			t.Errorf("no kustomization names %s", file)
		}
	}
}
