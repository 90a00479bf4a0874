package v1alpha1_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	generator = "../../../tests/tools/controllergen"
	published = "../../../knative/base/crds"
)

func TestWhatIsGeneratedIsUpToDate(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "controller-gen")
	run(t, "go", "-C", generator, "build", "-o", program, "sigs.k8s.io/controller-tools/cmd/controller-gen")
	run(t, program, "object", "crd", "paths=.", "output:crd:dir="+folder, "output:object:dir="+folder)
	compare(t, folder, "zz_generated.deepcopy.go", ".")
	definitions, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(definitions) != 2 {
		t.Fatalf("the generator made %v, %v", definitions, err)
	}
	for _, path := range definitions {
		compare(t, folder, filepath.Base(path), published)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func compare(t *testing.T, fresh, file, committed string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(fresh, file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(committed, file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what its source says: run `go generate ./operators/api/v1alpha1`", file)
	}
}
