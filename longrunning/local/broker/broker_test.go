package broker_test

import (
	"context"
	"net/http"
	"testing"

	"irc.now/shared/config"
	"irc.now/shared/event"
)

func TestAnEventReachesEveryTriggerThatTakesIt(t *testing.T) {
	all, allURL := newSubscriber(t)
	plan, planURL := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", ours+quick), triggerYAML("plan", change+quick)),
		map[string]config.URL{"all": allURL, "plan": planURL})
	signedUp := w.send(t, event.SignedUp{Account: "a"})
	if got := all.next(t); got.ID() != signedUp.ID() {
		t.Errorf("got %v", got)
	}
	changed := w.send(t, upgrade)
	got := plan.next(t)
	payload, err := event.Decode[event.PlanChanged](got)
	if err != nil || got.ID() != changed.ID() || payload != upgrade || got.Source() != event.SourceAccounts ||
		!got.Time().Equal(changed.Time()) {
		t.Errorf("got %v, %v", got, err)
	}
	if got := all.next(t); got.ID() != changed.ID() {
		t.Errorf("got %v", got)
	}
	if len(plan.got) != 0 {
		t.Error("a trigger got what its filter does not take")
	}
}

func TestAFailingSubscriberGetsTheEventAgain(t *testing.T) {
	s, url := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", ours+quick)), map[string]config.URL{"all": url})
	tries := 0
	s.set(func(w http.ResponseWriter, _ event.Event) {
		if tries++; tries < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	sent := w.send(t, upgrade)
	for range 3 {
		if got := s.next(t); got.ID() != sent.ID() {
			t.Fatalf("got %v", got)
		}
	}
	if err := w.Stop(t.Context()); err != nil { // waits for the last outcome
		t.Fatal(err)
	}
	start(t, w.Broker)
	w.deadLetters(t, 0)
	if len(s.got) != 0 {
		t.Error("delivered again after it had been taken")
	}
}

func TestADeadSubscriberKeepsNoOtherBack(t *testing.T) {
	hung, hungURL := newSubscriber(t)
	free := make(chan struct{})
	hung.set(func(http.ResponseWriter, event.Event) { <-free })
	good, goodURL := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("hung", ours+quick), triggerYAML("good", ours+quick)),
		map[string]config.URL{"hung": hungURL, "good": goodURL})
	for range 100 {
		w.send(t, upgrade)
		good.next(t)
	}
	close(free)
	for range 100 {
		hung.next(t)
	}
}

func TestAStoppedBrokerRefusesAndDeliversLaterWhatItHad(t *testing.T) {
	s, url := newSubscriber(t)
	s.set(status(http.StatusServiceUnavailable))
	w := newBroker(t, manifests(triggerYAML("all",
		ours+"  delivery: {retry: 1000, backoffPolicy: linear, backoffDelay: PT0.02S}\n")), map[string]config.URL{"all": url})
	sent := w.send(t, upgrade)
	s.next(t)
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	late, err := event.New(event.SourceAccounts, upgrade)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sink.Send(t.Context(), late); err == nil {
		t.Error("a stopped broker accepted an event")
	}
	s.set(nil)
	for len(s.got) > 0 {
		s.next(t)
	}
	start(t, w.Broker)
	if got := s.next(t); got.ID() != sent.ID() {
		t.Errorf("got %v", got)
	}
	if err := w.sink.Send(t.Context(), late); err != nil {
		t.Error(err)
	}
	if got := s.next(t); got.ID() != late.ID() {
		t.Errorf("got %v", got)
	}
}

func TestStopCutsShortWhatHangsAndStartBeginsItAnew(t *testing.T) {
	s, url := newSubscriber(t)
	free := make(chan struct{})
	s.set(func(http.ResponseWriter, event.Event) { <-free })
	w := newBroker(t, manifests(triggerYAML("all", ours+once)), map[string]config.URL{"all": url})
	sent := w.send(t, upgrade)
	s.next(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	close(free)
	start(t, w.Broker)
	// Its one attempt was not the subscriber's fault, so that it has another.
	if got := s.next(t); got.ID() != sent.ID() {
		t.Errorf("got %v", got)
	}
	w.deadLetters(t, 0)
}
