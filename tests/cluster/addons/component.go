package addons

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"strings"
)

//go:embed manifests/*.yaml
var manifests embed.FS

// component is what is installed and waited for together.
type component struct {
	name    string
	objects func(context.Context, Options, sources) ([]*object, error)
}

// components are in the order in which they are applied. Nothing waits for a component before: pods whose Secret is
// not there yet, and controllers whose webhook does not answer yet, try again by themselves.
var components = []component{
	{"gateway-api", gatewayAPI},
	{"cert-manager", certManager},
	{"storage", own("storage")},
	{"cloudnative-pg", cloudNativePG},
	{"knative-serving", serving},
	{"knative-eventing", eventing},
	{"authority", own("authority")},
	{"traefik", own("traefik")},
	{"walls", own("walls")},
}

// own reads a manifest of ours.
func own(name string) func(context.Context, Options, sources) ([]*object, error) {
	return func(_ context.Context, o Options, _ sources) ([]*object, error) {
		text, err := manifests.ReadFile("manifests/" + name + ".yaml")
		if err != nil {
			return nil, err
		}
		objects, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("reading %s.yaml: %w", name, err)
		}
		fill := strings.NewReplacer("${VOLUMES}", o.Volumes, "${ADDRESS}", o.Address)
		substitute(objects, fill.Replace)
		return objects, fit(objects)
	}
}

// gatewayAPI has the version that Traefik was built with. Its TLSRoutes are in the experimental channel; what is not
// even part of that, under a group of its own, is left out.
func gatewayAPI(ctx context.Context, _ Options, s sources) ([]*object, error) {
	dir, err := s.dir(ctx, "traefik", "sigs.k8s.io/gateway-api")
	if err != nil {
		return nil, err
	}
	objects, err := readFolders(dir, "config/crd/experimental")
	if err != nil {
		return nil, err
	}
	return without(objects, group("gateway.networking.x-k8s.io")), nil
}

func certManager(ctx context.Context, o Options, s sources) ([]*object, error) {
	dir, err := s.dir(ctx, "certmanager", "github.com/cert-manager/cert-manager")
	if err != nil {
		return nil, err
	}
	objects, err := readFolders(dir, "deploy/crds")
	if err != nil {
		return nil, err
	}
	ours, err := own("certmanager")(ctx, o, s)
	return append(objects, ours...), err
}

// cloudNativePG is upstream's release with an image of ours. Its operator copies itself out of that image into the
// pods of PostgreSQL.
func cloudNativePG(ctx context.Context, _ Options, s sources) ([]*object, error) {
	dir, err := s.dir(ctx, "cnpg", "github.com/cloudnative-pg/cloudnative-pg")
	if err != nil {
		return nil, err
	}
	objects, err := readFile(dir + "/releases/cnpg-1.26.0.yaml")
	if err != nil {
		return nil, err
	}
	const released, ours = "ghcr.io/cloudnative-pg/cloudnative-pg:1.26.0", koScheme + managerProgram
	substitute(objects, func(value string) string {
		if value == released {
			return ours
		}
		return value
	})
	trust(objects)
	return objects, cmp.Or(fit(objects), patient(objects))
}

// serving is Knative Serving behind Traefik, quick to scale down, with names of hosts as the test overlay wants them.
func serving(ctx context.Context, _ Options, s sources) ([]*object, error) {
	objects, err := s.folders(ctx, "serving", map[string][]string{
		"knative.dev/networking": {"config"},
		"knative.dev/caching":    {"config"},
		"knative.dev/serving":    {"config/core"},
	})
	if err != nil {
		return nil, err
	}
	// The Image and the Certificate are for a cache of images and for encryption inside, which are not installed; the
	// autoscalers would need a metrics server.
	objects = without(objects, kind("HorizontalPodAutoscaler", "PodDisruptionBudget", "Image", "Certificate"))
	trust(objects)
	return objects, cmp.Or(
		configure(objects, "config-network", map[string]string{
			"ingress-class": "traefik.ingress.networking.knative.dev",
			// The overlay test gives the functions that the world reaches the hosts that they have elsewhere.
			"domain-template": `{{with index .Annotations "irc.now/host"}}{{.}}{{else}}{{.Name}}.{{.Domain}}{{end}}`,
		}),
		configure(objects, "config-domain", map[string]string{Domain: ""}),
		configure(objects, "config-deployment", map[string]string{
			"registries-skipping-tag-resolving": "dev.local,ko.local,kind.local",
			"queue-sidecar-cpu-request":         "5m",
			"queue-sidecar-memory-request":      "32Mi",
		}),
		configure(objects, "config-autoscaler", map[string]string{
			"scale-to-zero-grace-period": "10s",
			"stable-window":              "15s",
			"allow-zero-initial-scale":   "true",
		}),
		// Streams live longer than the ten minutes that are the default's most.
		configure(objects, "config-defaults", map[string]string{"max-revision-timeout-seconds": "3600"}),
		fit(objects), patient(objects),
	)
}

// eventing is Knative Eventing with channels in memory and the broker made of them, which is its default.
func eventing(ctx context.Context, _ Options, s sources) ([]*object, error) {
	objects, err := s.folders(ctx, "eventing", map[string][]string{"knative.dev/eventing": {
		"config/core", "config/brokers/mt-channel-broker", "config/channels/in-memory-channel", "third_party/eventing-integrations-latest",
	}})
	if err != nil {
		return nil, err
	}
	objects = without(objects, kind("HorizontalPodAutoscaler", "PodDisruptionBudget"),
		named("Deployment", "job-sink"), named("Service", "job-sink"), kind("StatefulSet"),
		named("Deployment", "request-reply"), named("Service", "request-reply"))
	// The controller does not start without these two, and uses neither before somebody makes an ApiServerSource.
	const unused = "dev.local/not-installed"
	trust(objects)
	return objects, cmp.Or(
		environment(objects, "eventing-controller", "APISERVER_RA_IMAGE", unused),
		environment(objects, "eventing-controller", "AUTH_PROXY_IMAGE", unused),
		fit(objects), patient(objects),
	)
}
