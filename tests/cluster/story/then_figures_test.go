//go:build cluster

package story_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"irc.now/shared/event"
	"irc.now/tests/cluster/machine"
)

// rounds is how often a cold start is measured; between two, everything goes to zero, which takes a minute.
const rounds = 3

// TestPortalStartsFromZero measures how much longer than the smallest function the portal takes from nothing to its first
// byte.
func TestPortalStartsFromZero(t *testing.T) {
	here.onFailure(t)
	here.hello(t, true)
	var ours, bare, warm, bareWarm []time.Duration
	for range rounds {
		here.awaitZero(t, "portal")
		here.awaitZero(t, "hello")
		bare = append(bare, here.firstByte(t, "https://hello."+domain+"/"))
		ours = append(ours, here.firstByte(t, portal+"/"))
		for range 20 {
			bareWarm = append(bareWarm, here.firstByte(t, "https://hello."+domain+"/"))
			warm = append(warm, here.firstByte(t, portal+"/"))
		}
	}
	figures.compare(t, "portal from zero to first byte", ours, bare)
	figures.compare(t, "portal warm, with a new TLS connection", warm, bareWarm)
}

// TestBillingStartsFromZeroForAnEvent measures an event's way through the broker until its subscriber has dealt with it.
func TestBillingStartsFromZeroForAnEvent(t *testing.T) {
	here.onFailure(t)
	here.hello(t, false)
	var ours, bare, warm, bareWarm []time.Duration
	for range rounds {
		here.awaitZero(t, "billing")
		here.awaitZero(t, "hello")
		bare = append(bare, here.delivered(t, "hello"))
		ours = append(ours, here.delivered(t, "billing"))
		for range 10 {
			bareWarm = append(bareWarm, here.delivered(t, "hello"))
			warm = append(warm, here.delivered(t, "billing"))
		}
	}
	figures.compare(t, "event cold, published until billing is done", ours, bare)
	figures.compare(t, "event warm, published until billing is done", warm, bareWarm)
}

// delivered publishes an event of nobody's and gives the time until the subscriber's log says that it is done.
func (w *world) delivered(t *testing.T, subscriber string) time.Duration {
	t.Helper()
	began := time.Now()
	id := fmt.Sprintf("evt_story_%d", began.UnixNano())
	if subscriber == "hello" {
		w.publish(t, helloEvent, id, map[string]any{})
		done := w.awaitRecord(t, time.Minute, "hello", began, func(r record) bool { return r.Event == id })
		return done.Time.Sub(began)
	}
	w.publish(t, event.StripePrefix+"invoice.paid", id, event.StripeNotice{Kind: "invoice.paid", Customer: "cus_of_nobody"})
	done := w.awaitRecord(t, time.Minute, subscriber, began, func(r record) bool { return r.Event == id })
	return done.Time.Sub(began)
}

// TestTheIngressIsTheOnlyDoor tries what must not be reachable from outside.
func TestTheIngressIsTheOnlyDoor(t *testing.T) {
	for _, host := range []string{"introspect", "billing", "admission", "limits", "revoke", "deadletter"} {
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
