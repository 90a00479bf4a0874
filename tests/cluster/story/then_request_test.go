//go:build cluster

package story_test

import (
	"fmt"
	"testing"
	"time"
)

// TestARequestIsFollowedThroughTheBroker publishes an event that says in which request it was made: Knative's broker hands
// that on, and the consumer logs what it does under it.
func TestARequestIsFollowedThroughTheBroker(t *testing.T) {
	here.onFailure(t)
	began := time.Now()
	id := fmt.Sprintf("evt_followed_%d", began.UnixNano())
	here.publish(t, stripeEvent, id, ofNobody)
	handled := here.awaitRecord(t, mending, "billing", began, func(r record) bool { return r.Event == id })
	if handled.RequestID != requestOf(id) {
		t.Errorf("billing logs the event under request %q, want %q", handled.RequestID, requestOf(id))
	}
}

// requestOf names the request that an event is published in.
func requestOf(event string) string { return "request-of-" + event }
