package broker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
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

func TestTheRequestsIDReachesTheSubscriber(t *testing.T) {
	s, url := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", ours+quick)), map[string]config.URL{"all": url})
	e, err := event.New(event.SourceAccounts, upgrade)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sink.Send(telemetry.WithRequestID(t.Context(), "request-1"), e); err != nil {
		t.Fatal(err)
	}
	s.next(t)
	if got := (<-s.header).Get(telemetry.RequestIDHeader); got != "request-1" {
		t.Errorf("got %q", got)
	}
}

func TestHostileInputIsRefused(t *testing.T) {
	s, url := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", quick)), map[string]config.URL{"all": url})
	valid := `{"specversion":"1.0","id":"1","source":"/x","type":"t","datacontenttype":"application/json","data":%s}`
	for name, c := range map[string]struct {
		contentType, body string
		header            [2]string
		want              int
	}{
		"no event":          {"application/json", `{}`, [2]string{}, 400},
		"no id":             {"application/cloudevents+json", `{"specversion":"1.0","source":"/x","type":"t"}`, [2]string{}, 400},
		"broken JSON":       {"application/cloudevents+json", `{"specversion"`, [2]string{}, 400},
		"control character": {"application/cloudevents+json", strings.Replace(fmt.Sprintf(valid, `1`), `"id":"1"`, `"id":"1\u0000"`, 1), [2]string{}, 400},
		"line break":        {"application/cloudevents+json", strings.Replace(fmt.Sprintf(valid, `1`), `"type":"t"`, `"type":"t","x":"a\r\nb"`, 1), [2]string{}, 400},
		"a batch":           {"application/cloudevents-batch+json", `[]`, [2]string{}, 400},
		"too big":           {"application/cloudevents+json", fmt.Sprintf(valid, `"`+strings.Repeat("x", 10<<20)+`"`), [2]string{}, 413},
		"another site":      {"application/cloudevents+json", fmt.Sprintf(valid, `1`), [2]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another origin":    {"application/cloudevents+json", fmt.Sprintf(valid, `1`), [2]string{"Origin", "http://evil.example"}, 403},
		"NUL in its data":   {"application/cloudevents+json", fmt.Sprintf(valid, `"\u0000"`), [2]string{}, 202},
		"as good as it is":  {"application/cloudevents+json", fmt.Sprintf(valid, `1`), [2]string{}, 202},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.address.Join("/"), strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", c.contentType)
		if c.header[0] != "" {
			request.Header.Set(c.header[0], c.header[1])
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(name, err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, c.want)
		}
	}
	s.next(t)
	s.next(t)
}

func TestDataThatIsNotUTF8SurvivesTheBroker(t *testing.T) {
	s, url := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", quick)), map[string]config.URL{"all": url})
	e, err := event.New(event.SourceAccounts, upgrade)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte{0, 0xff, 0xfe, 1}
	if err := e.SetData("application/octet-stream", raw); err != nil {
		t.Fatal(err)
	}
	if err := w.sink.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := s.next(t); string(got.Data()) != string(raw) {
		t.Errorf("got %x", got.Data())
	}
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
