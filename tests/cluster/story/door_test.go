//go:build cluster

package story_test

import (
	"net/http"
	"testing"

	"irc.now/tests/cluster/machine"
)

// TestTheIngressIsTheOnlyDoor tries what must not be reachable from outside.
func TestTheIngressIsTheOnlyDoor(t *testing.T) {
	for _, host := range []string{"introspect", "billing", "admission", "limits", "outbox", "revoke", "deadletter"} {
		for _, name := range []string{host + "." + domain, host + "." + platform + ".svc.cluster.local", host + "." + platform} {
			transport := here.transport()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+machine.Address+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = name
			transport.DialContext = nil
			answer, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			transport.CloseIdleConnections()
			if answer.StatusCode != http.StatusNotFound {
				t.Errorf("%s answers %s to the world", name, answer.Status)
			}
		}
	}
}
