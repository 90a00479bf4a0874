package addons

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"irc.now/tests/cluster/image"
)

// read returns what each component would apply, with images still named by their programs.
func read(t *testing.T) map[string][]*object {
	t.Helper()
	root, err := image.Root()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]*object{}
	for _, part := range components {
		o := Options{Root: root, Volumes: "/volumes", Address: "10.88.0.1"}
		found[part.name], err = part.objects(t.Context(), o, sources{root: root})
		if err != nil {
			t.Fatalf("%s: %v", part.name, err)
		}
	}
	return found
}

func TestAddonsAreWhatTheModulesHold(t *testing.T) {
	t.Parallel()
	all := read(t)
	want := map[string]int{
		"gateway-api": 9, "cert-manager": 10, "storage": 6, "cloudnative-pg": 24, "knative-serving": 53,
		"knative-eventing": 138, "authority": 3, "traefik": 10, "walls": 3,
	}
	got := map[string]int{}
	for name, objects := range all {
		got[name] = len(objects)
	}
	if !maps.Equal(got, want) {
		t.Errorf("objects: %v, want %v; after a new version, look at what came and went", got, want)
	}
}

func TestEveryImageIsOneThatIsMadeHere(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"cert-manager":   {"irc.now/tests/tools/certmanager"},
		"storage":        {"irc.now/tests/cluster/provisioner"},
		"cloudnative-pg": {managerProgram},
		"knative-serving": {
			"knative.dev/serving/cmd/activator", "knative.dev/serving/cmd/autoscaler", "knative.dev/serving/cmd/controller",
			"knative.dev/serving/cmd/queue", "knative.dev/serving/cmd/webhook",
		},
		"knative-eventing": {
			"knative.dev/eventing/cmd/broker/filter", "knative.dev/eventing/cmd/broker/ingress",
			"knative.dev/eventing/cmd/controller", "knative.dev/eventing/cmd/in_memory/channel_controller",
			"knative.dev/eventing/cmd/in_memory/channel_dispatcher", "knative.dev/eventing/cmd/mtchannel_broker",
			"knative.dev/eventing/cmd/mtping", "knative.dev/eventing/cmd/webhook",
		},
		"traefik": {"github.com/traefik/traefik/v3/cmd/traefik"},
	}
	for name, objects := range read(t) {
		if got := programs(objects); !slices.Equal(got, want[name]) {
			t.Errorf("%s: programs %v, want %v", name, got, want[name])
		}
		for _, o := range objects {
			err := containers(o, func(container map[string]any) error {
				if image, _ := container["image"].(string); !strings.HasPrefix(image, koScheme) {
					t.Errorf("%s: %s has the image %q, which nobody makes", name, describe(o), image)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestEveryObjectIsInANamespaceOrClusterWide(t *testing.T) {
	t.Parallel()
	for name, objects := range read(t) {
		for _, o := range objects {
			if wide := slices.Contains(clusterWide, o.GetKind()); wide == (o.GetNamespace() != "") {
				t.Errorf("%s: %s has the namespace %q", name, describe(o), o.GetNamespace())
			}
		}
	}
}

func TestWorkloadsFitTwoProcessors(t *testing.T) {
	t.Parallel()
	for _, objects := range read(t) {
		for _, o := range objects {
			err := containers(o, func(container map[string]any) error {
				cpu, _, _ := unstructured.NestedString(container, "resources", "requests", "cpu")
				if _, limited, _ := unstructured.NestedMap(container, "resources", "limits"); cpu != "5m" || limited {
					t.Errorf("%s asks for %v", describe(o), container["resources"])
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestKnativeIsConfigured(t *testing.T) {
	t.Parallel()
	objects := read(t)["knative-serving"]
	for _, want := range []struct{ name, key, value string }{
		{"config-network", "ingress-class", "traefik.ingress.networking.knative.dev"},
		{"config-network", "domain-template", `{{with index .Annotations "irc.now/host"}}{{.}}{{else}}{{.Name}}.{{.Domain}}{{end}}`},
		{"config-domain", "irc.test", ""},
		{"config-deployment", "queue-sidecar-image", "ko://knative.dev/serving/cmd/queue"},
		{"config-autoscaler", "scale-to-zero-grace-period", "10s"},
	} {
		at := slices.IndexFunc(objects, named("ConfigMap", want.name))
		if at < 0 {
			t.Errorf("there is no %s", want.name)
			continue
		}
		data, _, _ := unstructured.NestedStringMap(objects[at].Object, "data")
		if value, ok := data[want.key]; !ok || value != want.value {
			t.Errorf("%s: %s is %q (there: %t), want %q", want.name, want.key, value, ok, want.value)
		}
	}
}

// The operator writes TLSRoutes of v1alpha2, and later releases of the Gateway API serve that version no more.
func TestTLSRoutesAreServedInTheOperatorsVersion(t *testing.T) {
	t.Parallel()
	objects := read(t)["gateway-api"]
	at := slices.IndexFunc(objects, named("CustomResourceDefinition", "tlsroutes.gateway.networking.k8s.io"))
	if at < 0 {
		t.Fatal("there is no definition of TLSRoute")
	}
	versions, _, _ := unstructured.NestedSlice(objects[at].Object, "spec", "versions")
	if !slices.ContainsFunc(versions, func(v any) bool {
		version, _ := v.(map[string]any)
		return version["name"] == "v1alpha2" && version["served"] == true
	}) {
		t.Error("v1alpha2 is not served")
	}
}

func TestDefinitionsComeFirstAndWebhooksLast(t *testing.T) {
	t.Parallel()
	for name, objects := range read(t) {
		inOrder(objects)
		if !slices.IsSortedFunc(objects, func(a, b *object) int { return stage(a) - stage(b) }) {
			t.Errorf("%s is not in order", name)
		}
	}
	objects := read(t)["knative-serving"]
	inOrder(objects)
	if first, last := objects[0].GetKind(), objects[len(objects)-1].GetKind(); stage(objects[0]) != 0 || !strings.HasSuffix(last, "WebhookConfiguration") {
		t.Errorf("the first is a %s and the last a %s", first, last)
	}
}

func TestAMissingConfigMapIsAnError(t *testing.T) {
	t.Parallel()
	if err := configure(nil, "config-network", nil); err == nil {
		t.Error("no error")
	}
	if err := environment(nil, "eventing-controller", "A", "b"); err == nil {
		t.Error("no error")
	}
}

func TestPlaceholdersAreFilled(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"storage", "traefik"} {
		substitute(read(t)[name], func(value string) string {
			if strings.Contains(value, "${") {
				t.Errorf("%s still says %q", name, value)
			}
			return value
		})
	}
}
