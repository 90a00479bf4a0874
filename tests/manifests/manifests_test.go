// Package manifests_test has a real API server look at what is applied to clusters.
package manifests_test

import (
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"irc.now/knative/render"
	"irc.now/operators/operatortest"
	"irc.now/tests/release"
)

const root = "../.."

// deprecated is what releases say that are newer than the oldest one which we support.
const deprecated = "The v1alpha2 version of TLSRoute has been deprecated"

func TestMain(m *testing.M) {
	if image := os.Getenv(pusher); image != "" {
		if err := push(image); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	log.SetLogger(logr.Discard()) // envtest says what it installs
	os.Exit(operatortest.Main(m, operatortest.Options{Without: true}))
}

// quiet is for what would tell of every request.
func quiet() *stdlog.Logger { return stdlog.New(io.Discard, "", 0) }

// The API server knows more than schemas say: rules in CEL, names, references between fields, Pod Security.
func TestARealAPIServerTakesEveryObjectWithoutAWarning(t *testing.T) {
	server := operatortest.Shared(t)
	config := server.Config()
	_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: definitions(t)})
	if err != nil {
		t.Fatal(err)
	}
	heard := &warnings{}
	config.WarningHandler = heard
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	overlays, err := render.Overlays(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			objects, err := render.Overlay(root, overlay)
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range objects {
				heard.clear()
				apply(t, c, object)
				for _, warning := range heard.all() {
					if !strings.HasPrefix(warning, deprecated) {
						t.Errorf("%s: %s", object, warning)
					}
				}
			}
		})
	}
}

// Without this the test above could pass because nothing is looked at.
func TestTheAPIServerRefusesAndWarns(t *testing.T) {
	config := operatortest.Shared(t).Config()
	heard := &warnings{}
	config.WarningHandler = heard
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "strict", Labels: map[string]string{"pod-security.kubernetes.io/warn": "restricted"}}}
	if err := c.Create(t.Context(), space); err != nil {
		t.Fatal(err)
	}
	deployment := func(more map[string]any) *unstructured.Unstructured {
		pod := map[string]any{"containers": []any{map[string]any{"name": "a", "image": "a:1"}}}
		for key, value := range more {
			pod[key] = value
		}
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "a", "namespace": "strict"},
			"spec": map[string]any{
				"selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
				"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"a": "b"}}, "spec": pod},
			},
		}}
	}
	if err := dryRun(t, c, deployment(map[string]any{"containerz": true})); err == nil {
		t.Error("an unknown field is taken")
	}
	if err := dryRun(t, c, deployment(nil)); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(heard.all(), func(w string) bool { return strings.Contains(w, "PodSecurity") }) {
		t.Errorf("nobody warns of a container that may do everything: %q", heard.all())
	}
}

// apply has the API server look at an object, and really makes namespaces, in which others are.
func apply(t *testing.T, c client.Client, object render.Object) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	if u.GetKind() == "Namespace" {
		err = c.Patch(t.Context(), u, client.Apply, client.FieldOwner("test"), client.ForceOwnership) //nolint:staticcheck // for any kind
	} else {
		err = dryRun(t, c, u)
	}
	if err != nil {
		t.Errorf("%s: %v", object, err)
	}
}

func dryRun(t *testing.T, c client.Client, u *unstructured.Unstructured) error {
	t.Helper()
	return c.Patch(t.Context(), u, client.Apply, client.FieldOwner("test"), client.ForceOwnership, client.DryRunAll, client.FieldValidation("Strict")) //nolint:staticcheck // for any kind
}

// definitions are all kinds', without the webhooks that convert between versions: nobody answers those here.
func definitions(t *testing.T) []*apiextensions.CustomResourceDefinition {
	t.Helper()
	files, err := release.Definitions(root)
	if err != nil {
		t.Fatal(err)
	}
	var all []*apiextensions.CustomResourceDefinition
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensions.CustomResourceDefinition
		if err := yaml.Unmarshal(content, &definition); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if definition.Kind != "CustomResourceDefinition" || strings.HasPrefix(definition.Spec.Group, "argoproj.io") {
			continue
		}
		definition.Spec.Conversion = nil
		all = append(all, &definition)
	}
	return all
}

// warnings is what the API server says beside its answers.
type warnings struct {
	mutex sync.Mutex
	heard []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.heard = append(w.heard, text)
}

func (w *warnings) all() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.heard)
}

func (w *warnings) clear() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.heard = nil
}
