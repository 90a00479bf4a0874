package broker_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"irc.now/longrunning/local/broker"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/outbound"
	"irc.now/shared/telemetry"
)

const brokerYAML = `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata:
  name: default
`

// triggerYAML is a trigger to the service of its own name.
func triggerYAML(name, spec string) string {
	return fmt.Sprintf(`
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: %[1]s
spec:
  broker: default
  subscriber:
    ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: %[1]s}
%[2]s`, name, spec)
}

const (
	quick  = "  delivery: {retry: 5, backoffPolicy: linear, backoffDelay: PT0.01S, timeout: PT5S, " + sink + "}\n"
	once   = "  delivery: {retry: 0, timeout: PT5S, " + sink + "}\n"
	sink   = "deadLetterSink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: deadletter}}"
	ours   = "  filters: [{prefix: {type: now.irc.}}]\n"
	change = "  filter: {attributes: {type: " + event.PlanChangedType + "}}\n"
)

func manifests(triggers ...string) fstest.MapFS {
	files := fstest.MapFS{"broker.yaml": {Data: []byte(brokerYAML)}}
	for i, text := range triggers {
		files[fmt.Sprintf("triggers/%d.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// subscriber is a service that answers as told and reports what it got.
type subscriber struct {
	got    chan event.Event
	header chan http.Header
	mu     sync.Mutex
	answer func(w http.ResponseWriter, e event.Event)
}

func newSubscriber(t testing.TB) (*subscriber, config.URL) {
	t.Helper()
	s := &subscriber{got: make(chan event.Event, 1000), header: make(chan http.Header, 1000)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, config.URL(server.URL)
}

func (s *subscriber) set(answer func(w http.ResponseWriter, e event.Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, err := cehttp.NewEventFromHTTPRequest(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	s.header <- r.Header
	s.got <- *e
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		answer(w, *e)
	}
}

func (s *subscriber) next(t testing.TB) event.Event {
	t.Helper()
	select {
	case e := <-s.got:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("no event came")
	}
	return event.Event{}
}

func status(code int) func(http.ResponseWriter, event.Event) {
	return func(w http.ResponseWriter, _ event.Event) { w.WriteHeader(code) }
}

// world is a running broker behind its own address.
type world struct {
	*broker.Broker
	address config.URL
	sink    *event.Sink
	buried  <-chan broker.DeadLetter
}

func newBroker(t testing.TB, files fstest.MapFS, subscribers map[string]config.URL) world {
	t.Helper()
	buried := make(chan broker.DeadLetter, 100)
	b, err := broker.New(broker.Config{
		Manifests: files, Subscribers: subscribers, DatabaseURL: storetest.URL(t),
		Log: slog.New(slog.DiscardHandler), Metrics: telemetry.NewRegistry(),
		OnDeadLetter: func(letter broker.DeadLetter) { buried <- letter },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = b.Stop(context.Background()) })
	start(t, b)
	address := config.URL(server.URL)
	return world{b, address, event.NewSink(address, outbound.Client(10*time.Second)), buried}
}

func start(t testing.TB, b *broker.Broker) {
	t.Helper()
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w world) send(t testing.TB, payload event.Payload) event.Event {
	t.Helper()
	e, err := event.New(event.SourceAccounts, payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sink.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

// deadLetters waits until want have died, and gives those that are there.
func (w world) deadLetters(t testing.TB, want int) []broker.DeadLetter {
	t.Helper()
	for range want {
		select {
		case <-w.buried:
		case <-time.After(20 * time.Second):
			t.Fatal("no dead letter came")
		}
	}
	letters, err := w.DeadLetters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(letters) != want {
		t.Fatalf("%d dead letters, want %d", len(letters), want)
	}
	return letters
}

var upgrade = event.PlanChanged{Account: "a", From: "free", To: "pro"}
