package reconciler

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"irc.now/operators/naming"
)

// TestARouteIsSentInTheVersionThatIsServed guards a cluster that has TLSRoutes in an old version only: the type that a
// route is built with is the new one's.
func TestARouteIsSentInTheVersionThatIsServed(t *testing.T) {
	scheme, err := Scheme()
	if err != nil {
		t.Fatal(err)
	}
	w := Writer{Client: fake.NewClientBuilder().WithScheme(scheme).Build()}
	for _, version := range tlsVersions {
		routes := GatewayRoutesFor("tenants", naming.Bouncer("alice"), "alice", Entrance{Host: "alice.irc.test", IRC: 6697, Web: 8081}, Gateway{"irc-now", "irc-now"}, version)
		for i, want := range []string{version, "v1"} {
			sent, err := w.unstructured(routes[i])
			if err != nil {
				t.Fatal(err)
			}
			if got := sent.GroupVersionKind().Version; got != want {
				t.Errorf("%s is sent as %s, want %s", sent.GetKind(), got, want)
			}
		}
	}
}
