package broker_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"irc.now/shared/config"
	"irc.now/shared/event"
)

func TestAReplyGoesBackIntoTheBroker(t *testing.T) {
	first, firstURL := newSubscriber(t)
	second, secondURL := newSubscriber(t)
	reply, err := event.New("/first", upgrade)
	if err != nil {
		t.Fatal(err)
	}
	first.set(func(w http.ResponseWriter, _ event.Event) {
		encoded, _ := json.Marshal(reply)
		w.Header().Set("Content-Type", "application/cloudevents+json")
		_, _ = w.Write(encoded)
	})
	signedUp := "  filter: {attributes: {type: " + event.SignedUpType + "}}\n"
	w := newBroker(t, manifests(triggerYAML("first", signedUp+quick), triggerYAML("second", change+quick)),
		map[string]config.URL{"first": firstURL, "second": secondURL})
	w.send(t, event.SignedUp{Account: "a"})
	got := second.next(t)
	if got.ID() != reply.ID() || got.Source() != "/first" {
		t.Errorf("got %v", got)
	}
	if _, leaks := got.Extensions()["knativebrokerttl"]; leaks {
		t.Error("the broker's own extension reaches a subscriber")
	}
}

func TestSubscribersThatAnswerEachOtherForEverAreCutOff(t *testing.T) {
	s, url := newSubscriber(t)
	s.set(func(w http.ResponseWriter, e event.Event) {
		encoded, _ := json.Marshal(e)
		w.Header().Set("Content-Type", "application/cloudevents+json")
		_, _ = w.Write(encoded)
	})
	w := newBroker(t, manifests(triggerYAML("echo", ours+quick)), map[string]config.URL{"echo": url})
	w.send(t, upgrade)
	w.deadLetters(t, 1)
	if n := len(s.got); n != 16 {
		t.Errorf("delivered %d times, want 16", n)
	}
}
