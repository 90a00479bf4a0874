package function_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"irc.now/shared/function"
	"irc.now/shared/telemetry"
)

func newInstance(t *testing.T, f function.Handler) *function.Instance {
	t.Helper()
	instance := function.New("test", f, slog.New(slog.NewTextHandler(t.Output(), nil)))
	return instance
}

// hooked is a function with every hook.
type hooked struct {
	with     function.Instruments
	env      map[string]string
	entered  chan struct{} // receives when a request to /hold has come in
	release  chan struct{}
	ready    bool
	err      error
	startErr error
	stopped  bool
}

func (h *hooked) Instrument(with function.Instruments) { h.with = with }
func (h *hooked) Start(_ context.Context, env map[string]string) error {
	if h.with.Log == nil || h.with.Metrics == nil {
		return errors.New("not instrumented before start")
	}
	h.env = env
	return h.startErr
}

func (h *hooked) Handle(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/hold" {
		h.entered <- struct{}{}
		<-h.release
	}
	_, _ = io.WriteString(w, telemetry.RequestID(r.Context()))
}
func (h *hooked) Ready(context.Context) (bool, error) { return h.ready, h.err }
func (h *hooked) Alive(context.Context) (bool, error) { return h.ready, h.err }
func (h *hooked) Stop(context.Context) error          { h.stopped = true; return h.err }

func serve(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestMountedInstanceKeepsInternalsApart(t *testing.T) {
	f := &hooked{ready: true}
	instance := newInstance(t, f)
	if err := instance.Start(t.Context(), map[string]string{"A": "1"}); err != nil {
		t.Fatal(err)
	}
	if f.env["A"] != "1" {
		t.Errorf("the function was configured from %v", f.env)
	}
	for _, path := range []string{"/metrics", "/health/liveness", "/health/readiness"} {
		w := serve(t, instance, path)
		if w.Body.String() != w.Header().Get("X-Request-Id") {
			t.Errorf("%s is public: %s", path, w.Body)
		}
		if w := serve(t, instance.Internal(), path); w.Code != http.StatusOK {
			t.Errorf("%s within: %d", path, w.Code)
		}
	}
	if w := serve(t, instance.Internal(), "/"); w.Code != http.StatusNotFound {
		t.Errorf("the internal handler answers the public path with %d", w.Code)
	}
}

func TestHealthHooks(t *testing.T) {
	f := &hooked{}
	instance := newInstance(t, f)
	if err := instance.Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{nil, errors.New("database password is wrong")} {
		f.err = err
		for _, path := range []string{"/health/liveness", "/health/readiness"} {
			if w := serve(t, instance.Internal(), path); w.Code != 503 || strings.Contains(w.Body.String(), "database") {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	}
}

func TestStopWaitsForRunningRequests(t *testing.T) {
	f := &hooked{ready: true, entered: make(chan struct{}), release: make(chan struct{})}
	instance := newInstance(t, f)
	if err := instance.Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	answered := make(chan *httptest.ResponseRecorder)
	go func() { answered <- serve(t, instance, "/hold") }()
	<-f.entered
	stopped := make(chan error)
	go func() { stopped <- instance.Stop(t.Context()) }()
	for serve(t, instance.Internal(), "/health/readiness").Code == http.StatusOK {
		runtime.Gosched() // until Stop has begun, which nothing else shows
	}
	if w := serve(t, instance, "/"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a new request while stopping: %d", w.Code)
	}
	if f.stopped {
		t.Error("the function was stopped while a request was running")
	}
	close(f.release)
	if w := <-answered; w.Code != http.StatusOK {
		t.Errorf("the running request got %d", w.Code)
	}
	if err := <-stopped; err != nil || !f.stopped {
		t.Errorf("stop: %v, function stopped: %v", err, f.stopped)
	}
}

func TestStopGivesUpWithItsContext(t *testing.T) {
	f := &hooked{entered: make(chan struct{}), release: make(chan struct{}), err: errors.New("boom")}
	instance := newInstance(t, f)
	if err := instance.Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() { defer close(answered); serve(t, instance, "/hold") }()
	<-f.entered
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := instance.Stop(over); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(f.release)
	<-answered
}

func TestFailedStartRefusesRequests(t *testing.T) {
	f := &hooked{startErr: errors.New("boom")}
	instance := newInstance(t, f)
	if err := instance.Start(t.Context(), nil); !errors.Is(err, f.startErr) {
		t.Errorf("got %v", err)
	}
	if w := serve(t, instance, "/"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d", w.Code)
	}
	if err := instance.Stop(t.Context()); err != nil || f.stopped {
		t.Errorf("a function that never started was stopped: %v", err)
	}
}

type panicking struct{ hooked }

func (*panicking) Start(context.Context, map[string]string) error { panic("boom") }

func TestPanicInStartIsAnError(t *testing.T) {
	if err := newInstance(t, &panicking{}).Start(t.Context(), nil); err == nil {
		t.Error("no error")
	}
}

// lasting is a function whose answers go on until it is drained.
type lasting struct {
	entered chan struct{}
	leaving chan struct{}
	drain   sync.Once
}

func (l *lasting) Handle(w http.ResponseWriter, _ *http.Request) {
	close(l.entered)
	<-l.leaving
	_, _ = io.WriteString(w, "the end")
}
func (l *lasting) Drain() { l.drain.Do(func() { close(l.leaving) }) }

func TestStopEndsAnswersThatWouldLast(t *testing.T) {
	f := &lasting{entered: make(chan struct{}), leaving: make(chan struct{})}
	instance := newInstance(t, f)
	if err := instance.Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string)
	go func() { answered <- serve(t, instance, "/").Body.String() }()
	<-f.entered
	if err := instance.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if body := <-answered; body != "the end" {
		t.Errorf("the answer is %q", body)
	}
}
