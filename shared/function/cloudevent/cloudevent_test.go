package cloudevent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
)

type eventFunc func(context.Context, event.Event) (*event.Event, error)

func (f eventFunc) Handle(ctx context.Context, e event.Event) (*event.Event, error) { return f(ctx, e) }

func mount(t *testing.T, f cloudevent.Handler) *httptest.Server {
	t.Helper()
	instance := function.New("test", cloudevent.Function(f), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err := instance.Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(instance)
	t.Cleanup(server.Close)
	return server
}

type reply struct {
	*http.Response
	body string
}

func send(t *testing.T, method, address string, body io.Reader, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response, string(read)}
}

var binary = []string{
	"Ce-Specversion", "1.0", "Ce-Type", "dev.knative.sources.ping", "Ce-Source", "/ping", "Ce-Id", "1",
	"Content-Type", "application/json",
}

const structured = `{"specversion":"1.0","type":"dev.knative.sources.ping","source":"/ping","id":"1","datacontenttype":"application/json","data":{"tick":1}}`

func TestEventsArriveInBothModes(t *testing.T) {
	for mode, sent := range map[string]struct {
		body    string
		headers []string
	}{
		"binary":     {`{"tick":1}`, binary},
		"structured": {structured, []string{"Content-Type", "application/cloudevents+json; charset=utf-8"}},
	} {
		var got event.Event
		server := mount(t, eventFunc(func(_ context.Context, e event.Event) (*event.Event, error) {
			got = e
			return nil, nil
		}))
		answer := send(t, http.MethodPost, server.URL, strings.NewReader(sent.body), sent.headers...)
		if answer.StatusCode != http.StatusAccepted || answer.body != "" {
			t.Errorf("%s: %d with body %q, want 202 without one", mode, answer.StatusCode, answer.body)
		}
		var data struct{ Tick int }
		if err := got.DataAs(&data); err != nil || data.Tick != 1 || got.Type() != "dev.knative.sources.ping" || got.ID() != "1" {
			t.Errorf("%s: the function saw %v (%v)", mode, got, err)
		}
	}
}

func TestBadEventsAreRefused(t *testing.T) {
	server := mount(t, eventFunc(func(_ context.Context, e event.Event) (*event.Event, error) {
		t.Errorf("the function saw %v", e)
		return nil, nil
	}))
	with := func(name, value string) []string {
		headers := append([]string{}, binary...)
		for i := 0; i < len(headers); i += 2 {
			if headers[i] == name {
				headers[i+1] = value
			}
		}
		return headers
	}
	json := []string{"Content-Type", "application/cloudevents+json"}
	for name, bad := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"no event at all":   {`{"a":1}`, []string{"Content-Type", "application/json"}, 400},
		"no body":           {"", json, 400},
		"no id":             {"{}", with("Ce-Id", ""), 400},
		"no type":           {"{}", with("Ce-Type", ""), 400},
		"no source":         {"{}", with("Ce-Source", ""), 400},
		"unknown version":   {"{}", with("Ce-Specversion", "9.9"), 400},
		"bad time":          {"{}", append(with("", ""), "Ce-Time", "yesterday"), 400},
		"broken JSON":       {`{"specversion":"1.0",`, json, 400},
		"structured array":  {`[` + structured + `]`, json, 400},
		"batch":             {`[` + structured + `]`, []string{"Content-Type", "application/cloudevents-batch+json"}, 400},
		"structured no id":  {strings.Replace(structured, `"id":"1",`, "", 1), json, 400},
		"too large":         {strings.Repeat("x", 2<<20), binary, 413},
		"NUL in the id":     {strings.Replace(structured, `"id":"1"`, `"id":"a\u0000b"`, 1), json, 422},
		"bytes in the id":   {"{}", with("Ce-Id", "a\xffb"), 422},
		"a long id":         {"{}", with("Ce-Id", strings.Repeat("x", 1025)), 422},
		"a long source":     {"{}", with("Ce-Source", "/"+strings.Repeat("x", 1024)), 422},
		"a long extension":  {"{}", append(with("", ""), "Ce-Requestid", strings.Repeat("x", 1025)), 422},
		"NUL in the data":   {`{"account":"\u0000"}`, binary, 422},
		"bytes in the data": {"{\"account\":\"\xff\"}", binary, 422},
		"data of no JSON":   {`{"account":`, binary, 422},
	} {
		if got := send(t, http.MethodPost, server.URL, strings.NewReader(bad.body), bad.headers...); got.StatusCode != bad.status {
			t.Errorf("%s: %d %s, want %d", name, got.StatusCode, got.body, bad.status)
		}
	}
	got := send(t, http.MethodGet, server.URL, nil)
	if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != http.MethodPost {
		t.Errorf("GET: %d", got.StatusCode)
	}
}

func TestEventErrorsTellWhetherToRetry(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{errors.New("boom: secret"), 500},
		{fault.New(fault.Unavailable, "The bouncer is away."), 503},
		{fault.New(fault.RateLimited, "Slower."), 429},
		{fault.New(fault.Invalid, "No such type."), 422},
		{fault.New(fault.NotFound, "Gone."), 422}, // 404 would be retried by Knative
	} {
		server := mount(t, eventFunc(func(context.Context, event.Event) (*event.Event, error) { return nil, c.err }))
		got := send(t, http.MethodPost, server.URL, strings.NewReader("{}"), binary...)
		if got.StatusCode != c.status || strings.Contains(got.body, "secret") {
			t.Errorf("%v: %d %q, want %d", c.err, got.StatusCode, got.body, c.status)
		}
	}
}

func TestAnEventMayAnswerAnEvent(t *testing.T) {
	server := mount(t, eventFunc(func(_ context.Context, e event.Event) (*event.Event, error) {
		e.SetType("now.irc.bouncer.closed")
		return &e, nil
	}))
	got := send(t, http.MethodPost, server.URL, strings.NewReader(`{"tick":1}`), binary...)
	if got.StatusCode != http.StatusOK || got.Header.Get("Ce-Type") != "now.irc.bouncer.closed" || got.body != `{"tick":1}` {
		t.Errorf("%d %v %q", got.StatusCode, got.Header, got.body)
	}
	server = mount(t, eventFunc(func(context.Context, event.Event) (*event.Event, error) { return &event.Event{}, nil }))
	if got := send(t, http.MethodPost, server.URL, bytes.NewReader(nil), binary...); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("an invalid reply was sent with %d", got.StatusCode)
	}
}

func TestEventPanicIsAnswered(t *testing.T) {
	server := mount(t, eventFunc(func(context.Context, event.Event) (*event.Event, error) { panic("boom") }))
	if got := send(t, http.MethodPost, server.URL, strings.NewReader("{}"), binary...); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("got %d", got.StatusCode)
	}
}

// hooked records which of its hooks were called.
type hooked struct {
	eventFunc
	called []string
	fails  error
}

func (h *hooked) Instrument(function.Instruments) { h.called = append(h.called, "instrument") }
func (h *hooked) Start(context.Context, map[string]string) error {
	h.called = append(h.called, "start")
	return h.fails
}
func (h *hooked) Ready(context.Context) (bool, error) { return false, h.fails }
func (h *hooked) Alive(context.Context) (bool, error) { return false, h.fails }
func (h *hooked) Stop(context.Context) error {
	h.called = append(h.called, "stop")
	return h.fails
}

func TestHooksAreCalledThrough(t *testing.T) {
	health := func(f cloudevent.Handler) (codes [2]int) {
		instance := function.New("test", cloudevent.Function(f), slog.New(slog.DiscardHandler))
		if err := instance.Start(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for i, path := range []string{"/health/readiness", "/health/liveness"} {
			w := httptest.NewRecorder()
			instance.Internal().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			codes[i] = w.Code
		}
		if err := instance.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		return codes
	}
	f := &hooked{}
	if got := health(f); got != [2]int{503, 503} || strings.Join(f.called, " ") != "instrument start stop" {
		t.Errorf("with hooks: %v %v", got, f.called)
	}
	if got := health(eventFunc(nil)); got != [2]int{200, 200} {
		t.Errorf("without hooks: %v", got)
	}
	failing := function.New("test", cloudevent.Function(&hooked{fails: errors.New("no")}), slog.New(slog.DiscardHandler))
	if failing.Start(t.Context(), nil) == nil {
		t.Error("a failed start was lost")
	}
}
