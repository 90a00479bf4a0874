package knative_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"irc.now/knative"
)

func TestTheKustomizationListsEveryManifest(t *testing.T) {
	var kustomization struct{ Resources []string }
	content, err := fs.ReadFile(knative.Base(), "kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &kustomization); err != nil {
		t.Fatal(err)
	}
	var found []string
	err = fs.WalkDir(knative.Base(), ".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".yaml") && path != "kustomization.yaml" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if !slices.Equal(found, kustomization.Resources) {
		t.Errorf("it lists %q, there are %q", kustomization.Resources, found)
	}
}
