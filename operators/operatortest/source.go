package operatortest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Source is where CustomResourceDefinitions are: a file or folder below a Go module.
type Source struct {
	Module string // as in go.mod; "" is ours
	Path   string // below the module
}

// What clusters have besides Kubernetes, in the versions that go.mod pins.
var (
	// Gateway is the Gateway API's experimental channel: the standard one has no TLSRoute.
	Gateway = Source{Module: "sigs.k8s.io/gateway-api", Path: "config/crd/experimental"}
	// Route is OpenShift's.
	Route = Source{Module: "github.com/openshift/api", Path: "route/v1/zz_generated.crd-manifests"}
	// CertManager is all of cert-manager's kinds.
	CertManager = Source{Module: "github.com/cert-manager/cert-manager", Path: "deploy/crds"}
)

// ours is where `go generate ./operators/api/v1alpha1` puts the definitions of operators/api.
var ours = Source{Path: "knative/base/crds"}

func (o Options) files(root string) ([]string, error) {
	sources := o.CRDs
	if !o.Without {
		sources = append([]Source{ours}, sources...)
	}
	files := make([]string, 0, len(sources))
	for _, s := range sources {
		path, err := s.find(root)
		if err != nil {
			return nil, err
		}
		files = append(files, path)
	}
	return files, nil
}

// find is the path of a source, in our checkout or in Go's module cache.
func (s Source) find(root string) (string, error) {
	dir := root
	if s.Module != "" {
		var err error
		if dir, err = moduleDir(root, s.Module); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, filepath.FromSlash(s.Path))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find definitions of kinds: %w", err)
	}
	return path, nil
}

func moduleDir(root, module string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "go", "list", "-m", "-f", "{{.Dir}}", module) // offline, and so at once
	cmd.Dir = root
	out, err := cmd.Output()
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return "", fmt.Errorf("find module %s: %w: %s", module, err, failed.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("find module %s: %w", module, err)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("module %s is not downloaded: run `go mod download %s`", module, module)
	}
	return dir, nil
}
