// Package release finds the releases that manifests are held to: of Kubernetes, and of everything that defines a kind
// which our manifests use. The versions are those of tests/tools/manifests.
package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Kubernetes is the module whose files describe the API server's own kinds.
const Kubernetes = "k8s.io/kubernetes"

// definitions are where each release keeps the definitions of its kinds.
var definitions = map[string]string{
	"github.com/argoproj/argo-cd/v3":                     "manifests/crds/*-crd.yaml",
	"github.com/cert-manager/cert-manager":               "deploy/crds/*.yaml",
	"github.com/cloudnative-pg/cloudnative-pg":           "config/crd/bases/*.yaml",
	"github.com/openshift/api":                           "route/v1/zz_generated.crd-manifests/*.yaml",
	"github.com/prometheus-operator/prometheus-operator": "example/prometheus-operator-crd/*.yaml",
	"knative.dev/eventing":                               "config/core/resources/*.yaml",
	"knative.dev/serving":                                "config/core/300-resources/*.yaml",
	"sigs.k8s.io/gateway-api":                            "config/crd/experimental/*.yaml",
}

// Folders are the releases' folders by module, which are downloaded if need be. root is that of the repository.
func Folders(root string) (map[string]string, error) {
	command := exec.CommandContext(context.Background(), "go", "-C", filepath.Join(root, "tests/tools/manifests"), "mod", "download", "-json") // one that hangs ends with the test
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("download the releases that tests/tools/manifests pins: %w\n%s", err, output)
	}
	folders := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var module struct{ Path, Dir string }
		if err := decoder.Decode(&module); errors.Is(err, io.EOF) {
			return folders, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what go mod download says: %w", err)
		}
		folders[module.Path] = module.Dir
	}
}

// Definitions are all files with definitions of kinds, ours too.
func Definitions(root string) ([]string, error) {
	folders, err := Folders(root)
	if err != nil {
		return nil, err
	}
	patterns := []string{filepath.Join(root, "knative/base/crds/*.yaml")}
	for _, module := range slices.Sorted(maps.Keys(definitions)) {
		patterns = append(patterns, filepath.Join(folders[module], definitions[module]))
	}
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("there are no definitions at %s (%w)", pattern, err)
		}
		files = append(files, found...)
	}
	return files, nil
}
