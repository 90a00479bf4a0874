package addons

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/operatortest"
	"irc.now/tests/cluster/image"
)

func TestMain(m *testing.M) {
	os.Exit(operatortest.Main(m, operatortest.Options{Without: true}))
}

// newInstaller installs into a real API server that runs no pods, so images need not exist.
func newInstaller(t *testing.T) installer {
	t.Helper()
	c, err := newClient(operatortest.Shared(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	root, err := image.Root()
	if err != nil {
		t.Fatal(err)
	}
	return installer{
		Client:  c,
		Options: Options{Root: root, Volumes: "/volumes", Address: "10.88.0.1", Log: slog.New(slog.DiscardHandler)},
		image: func(_ context.Context, program string) (image.Image, error) {
			return image.Image{Ref: "dev.local/" + strings.ToLower(program) + ":1"}, nil
		},
	}
}

func TestAddonsAreAcceptedAndAppliedOnce(t *testing.T) {
	i := newInstaller(t)
	for _, part := range components {
		if err := i.install(t.Context(), part); err != nil {
			t.Fatalf("%s: %v", part.name, err)
		}
	}
	for _, part := range components {
		objects, err := i.objects(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		if same, _, err := i.installed(t.Context(), part.name, objects); err != nil || !same {
			t.Errorf("%s would be applied again (%v)", part.name, err)
		}
		i.applyAgain(t, objects)
	}
}

// applyAgain applies objects again. The second time may still write what their definition's defaults have added.
func (i installer) applyAgain(t *testing.T, objects []*object) {
	t.Helper()
	var before map[string]string
	for range 2 {
		before = versions(t, i, objects)
		if err := i.apply(t.Context(), objects); err != nil {
			t.Fatalf("not accepted again: %v", err)
		}
	}
	for name, version := range versions(t, i, objects) {
		if before[name] != version {
			t.Errorf("%s changed though it was applied as it was", name)
		}
	}
}

// versions are the objects' resource versions by their names.
func versions(t *testing.T, i installer, objects []*object) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, o := range objects {
		live := &object{}
		live.SetGroupVersionKind(o.GroupVersionKind())
		if err := i.Get(t.Context(), client.ObjectKeyFromObject(o), live); err != nil {
			t.Fatalf("%s: %v", describe(o), err)
		}
		found[describe(o)] = live.GetResourceVersion()
	}
	return found
}

func TestTheIngressIsPublishedAtItsAddress(t *testing.T) {
	i := newInstaller(t)
	service := &corev1.Service{}
	key := client.ObjectKey{Namespace: "traefik", Name: "traefik"}
	for _, part := range components {
		if part.name == "traefik" || part.name == "cert-manager" {
			if err := i.install(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		if err := publish(t.Context(), i.Client, "10.88.0.1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Get(t.Context(), key, service); err != nil {
		t.Fatal(err)
	}
	if points := service.Status.LoadBalancer.Ingress; len(points) != 1 || points[0].IP != "10.88.0.1" {
		t.Errorf("published at %v", points)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	i := newInstaller(t)
	for _, part := range components {
		if err := i.install(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	missing, err := i.missing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"knative-serving/activator", "traefik/traefik", "the authority"} {
		if !strings.Contains(strings.Join(missing, " "), want) {
			t.Errorf("%s is not among what is missing: %v", want, missing)
		}
	}
}
