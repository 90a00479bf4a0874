package knative_test

import (
	"regexp"
	"slices"
	"testing"

	"irc.now/knative/render"
	handles "irc.now/shared/account"
)

// named are the kinds whose names only look like hosts.
var named = []string{"CustomResourceDefinition", "ValidatingWebhookConfiguration"}

// A bouncer is reached at its owner's handle below the domain, where the platform's own hosts are too.
func TestNobodyCanHaveAHostOfThePlatformsAsHandle(t *testing.T) {
	for _, overlay := range overlays(t) {
		objects := rendered(t, overlay)
		below := regexp.MustCompile(`([a-z0-9-]+)\.` + regexp.QuoteMeta(domainOf(t, objects)) + `\b`)
		hosts := map[string]bool{}
		for _, object := range objects {
			if slices.Contains(named, object.Kind()) {
				continue
			}
			for _, value := range values(object) {
				for _, found := range below.FindAllStringSubmatch(value, -1) {
					hosts[found[1]] = true
				}
			}
		}
		for _, known := range []string{"my", "pay", "irc", "chat", "auth", "net"} {
			if !hosts[known] {
				t.Errorf("%s: no host %s is found, only %v", overlay, known, hosts)
			}
		}
		for host := range hosts {
			if _, err := handles.ParseHandle(host); err == nil {
				t.Errorf("%s: somebody may pick the handle %s, and with it the platform's host", overlay, host)
			}
		}
	}
}

// domainOf is the domain that everything is below.
func domainOf(t *testing.T, objects []render.Object) string {
	t.Helper()
	for _, object := range objects {
		if object.Kind() == "Certificate" && object.Name() == "wildcard" {
			return words(dig(map[string]any(object), "spec", "dnsNames"))[0]
		}
	}
	t.Fatal("there is no certificate for the domain")
	return ""
}
