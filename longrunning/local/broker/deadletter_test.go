package broker_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/broker"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/outbound"
)

func TestWhatNeverSucceedsIsADeadLetterUntilReplayed(t *testing.T) {
	for name, c := range map[string]struct {
		answer   func(http.ResponseWriter, event.Event)
		attempts int
	}{
		"broken":       {status(http.StatusInternalServerError), 6},
		"final":        {status(http.StatusUnprocessableEntity), 1},
		"text in body": {func(w http.ResponseWriter, _ event.Event) { fmt.Fprint(w, "ok") }, 6},
	} {
		t.Run(name, func(t *testing.T) {
			s, url := newSubscriber(t)
			w := newBroker(t, manifests(triggerYAML("all", ours+quick)), map[string]config.URL{"all": url})
			s.set(c.answer)
			sent := w.send(t, upgrade)
			letter := w.deadLetters(t, 1)[0]
			if letter.Attempts != c.attempts || len(s.got) != c.attempts || letter.Trigger != "all" {
				t.Errorf("%d attempts, %d seen, want %d", letter.Attempts, len(s.got), c.attempts)
			}
			for range c.attempts {
				s.next(t)
			}
			if page := fetch(t, http.MethodGet, w.address.Join("/dead-letters")); !strings.Contains(page, sent.ID()) ||
				!strings.Contains(page, event.PlanChangedType) || !strings.Contains(page, "/dead-letters/replay") {
				t.Errorf("the page is\n%s", page)
			}
			s.set(nil)
			if got := fetch(t, http.MethodPost, w.address.Join("/dead-letters/replay")); !strings.Contains(got, "1 on their way") {
				t.Fatal(got)
			}
			if got := s.next(t); got.ID() != sent.ID() {
				t.Errorf("got %v", got)
			}
			w.deadLetters(t, 0)
		})
	}
}

func fetch(t testing.TB, method, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestEventsOfATriggerThatIsGoneAreKept(t *testing.T) {
	s, url := newSubscriber(t)
	s.set(status(http.StatusServiceUnavailable))
	database := storetest.URL(t)
	c := broker.Config{
		Manifests:   manifests(triggerYAML("old", ours+"  delivery: {retry: 9, backoffDelay: PT1H}\n")),
		Subscribers: map[string]config.URL{"old": url, "new": url}, DatabaseURL: database, Log: slog.New(slog.DiscardHandler),
	}
	before, err := broker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	start(t, before)
	server := httptest.NewServer(before)
	defer server.Close()
	w := world{before, config.URL(server.URL), event.NewSink(config.URL(server.URL), outbound.Client(time.Second)), nil}
	w.send(t, upgrade)
	s.next(t)
	if err := before.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Manifests = manifests(triggerYAML("new", ours+quick))
	after, err := broker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	start(t, after)
	defer func() { _ = after.Stop(context.Background()) }()
	if letters, err := after.DeadLetters(t.Context()); err != nil || len(letters) != 1 || letters[0].Trigger != "old" {
		t.Errorf("got %v, %v", letters, err)
	}
	if n, err := after.Replay(t.Context(), 0); err != nil || n != 0 {
		t.Errorf("replayed %d, %v", n, err)
	}
}
