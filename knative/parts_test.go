package knative_test

import (
	"strings"
	"testing"

	"irc.now/functions"
	"irc.now/knative/render"
)

// services are an overlay's Knative Services in the platform's namespace, by name.
func services(t *testing.T, overlay string) map[string]render.Object {
	t.Helper()
	found := map[string]render.Object{}
	for _, object := range rendered(t, overlay) {
		if object.Kind() == "Service" && strings.HasPrefix(object.APIVersion(), "serving.knative.dev/") {
			found[object.Name()] = object
		}
	}
	return found
}

func TestEveryPartIsAServiceThatItsCallersReach(t *testing.T) {
	for _, overlay := range overlays(t) {
		found := services(t, overlay)
		for _, part := range functions.Table() {
			service, is := found[part.Name]
			if !is {
				t.Errorf("%s: the function %s has no Knative Service", overlay, part.Name)
				continue
			}
			delete(found, part.Name)
			local := word(map[string]any(service), "metadata", "labels", "networking.knative.dev/visibility") == "cluster-local"
			if local == part.Public() {
				t.Errorf("%s: %s is for %s; that it is visible inside the cluster only is %v", overlay, part.Name, part.Reach, local)
			}
			if image := word(containersOf(service)[0], "image"); image != "ko://irc.now/functions/"+part.Name+"/cmd" {
				t.Errorf("%s: %s runs %s", overlay, part.Name, image)
			}
			if client := clientOf(service); client != part.Client {
				t.Errorf("%s: %s acts as the OAuth client %q, and as %q in the table", overlay, part.Name, client, part.Client)
			}
		}
		for name := range found {
			t.Errorf("%s: the Knative Service %s is no function of the table", overlay, name)
		}
	}
}

// clientOf is the OAuth client that a service acts as.
func clientOf(service render.Object) string {
	return word(environment(containersOf(service)[0])["OIDC_CLIENT_ID"], "value")
}

// Who is reached at which host stands in the annotation, in a DomainMapping where there are such, and in the table.
func TestPublicPartsHaveTheirHosts(t *testing.T) {
	for _, overlay := range overlays(t) {
		objects := rendered(t, overlay)
		mapped := map[string]string{} // functions, by host
		for _, object := range objects {
			if object.Kind() == "DomainMapping" {
				mapped[object.Name()] = word(map[string]any(object), "spec", "ref", "name")
			}
		}
		for _, part := range functions.Table() {
			want := ""
			if part.Public() {
				want = strings.TrimPrefix(part.Host+"."+domainOf(t, objects), ".")
			}
			service := map[string]any(services(t, overlay)[part.Name])
			if host := word(service, "metadata", "annotations", "irc.now/host"); host != want {
				t.Errorf("%s: the host of %s is %q, and %q in the table", overlay, part.Name, host, want)
			}
			if len(mapped) > 0 && part.Public() && mapped[want] != part.Name {
				t.Errorf("%s: no DomainMapping leads from %s to %s: %v", overlay, want, part.Name, mapped)
			}
		}
	}
}

func TestTriggersLeadToPartsForTheBroker(t *testing.T) {
	reached := map[string]bool{}
	for _, object := range rendered(t, "generic") {
		if object.Kind() != "Trigger" {
			continue
		}
		for _, path := range [][]string{{"spec", "subscriber", "ref", "name"}, {"spec", "delivery", "deadLetterSink", "ref", "name"}} {
			name := word(map[string]any(object), path...)
			if name == "" {
				continue
			}
			reached[name] = true
			if part, known := functions.Find(name); !known || part.Reach != functions.Broker {
				t.Errorf("trigger %s leads to %s, which is no function for the broker", object.Name(), name)
			}
		}
	}
	for _, part := range functions.Table() {
		if part.Reach == functions.Broker && !reached[part.Name] {
			t.Errorf("no trigger leads to %s", part.Name)
		}
	}
}
