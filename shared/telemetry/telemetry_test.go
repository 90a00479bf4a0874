package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"irc.now/shared/telemetry"
)

func TestLogCarriesProgramAndRequestID(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, "portal", nil).With("user", "alice").WithGroup("g")
	log.InfoContext(telemetry.WithRequestID(t.Context(), "abc"), "hello")
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if record["program"] != "portal" || record["user"] != "alice" || !strings.Contains(out.String(), `"request_id":"abc"`) {
		t.Errorf("got %s", out.String())
	}
}

func TestLogFormatAndLevel(t *testing.T) {
	t.Setenv("LOG_FORMAT", "text")
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, "portal", telemetry.Level("warn"))
	log.InfoContext(t.Context(), "quiet")
	log.WarnContext(t.Context(), "loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "msg=loud program=portal") {
		t.Errorf("got %s", got)
	}
	if telemetry.Level("nonsense") != slog.LevelInfo || telemetry.Level("") != slog.LevelInfo ||
		telemetry.Level("debug") != slog.LevelDebug {
		t.Error("Level is wrong")
	}
}

func TestRequestIDIsTakenOnlyWhenHarmless(t *testing.T) {
	for id, taken := range map[string]bool{
		"01J-abc_DEF.9": true, "": false, "a b": false, "a\nb": false, "<script>": false, strings.Repeat("a", 65): false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("X-Request-Id", id)
		got := telemetry.RequestIDFrom(r)
		if (got == id) != taken || got == "" {
			t.Errorf("%q: got %q", id, got)
		}
	}
	if first, second := telemetry.NewRequestID(), telemetry.NewRequestID(); first == second {
		t.Error("request ids repeat")
	}
	if telemetry.RequestID(context.Background()) != "" {
		t.Error("an id from nowhere")
	}
}

func TestAnAdoptedRequestIDIsThatOfTheWholeRequest(t *testing.T) {
	outer := telemetry.WithRequestID(t.Context(), "made-here")
	inner, cancel := context.WithCancel(outer)
	defer cancel()
	telemetry.AdoptRequestID(inner, "a\nb")
	if got := telemetry.RequestID(outer); got != "made-here" {
		t.Errorf("a hostile id was adopted: %q", got)
	}
	telemetry.AdoptRequestID(inner, "from-afar")
	if outer, inner := telemetry.RequestID(outer), telemetry.RequestID(inner); outer != "from-afar" || inner != outer {
		t.Errorf("got %q and %q", outer, inner)
	}
	telemetry.AdoptRequestID(t.Context(), "nobody's") // outside a request there is none to change
}

func TestMetricsByRoute(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := telemetry.NewHTTP(registry)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /networks/{name}", func(http.ResponseWriter, *http.Request) {})
	recorded := telemetry.RecordRoute(mux)
	serve := func(method, path string) {
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		ctx, route := telemetry.WithRoute(r.Context())
		done := metrics.Begin(method)
		w := httptest.NewRecorder()
		recorded.ServeHTTP(w, r.WithContext(ctx))
		done(route(), w.Code)
	}
	serve(http.MethodGet, "/networks/libera")
	serve(http.MethodGet, "/networks/oftc")
	serve("BREW", "/"+strings.Repeat("x", 100))
	want := `
# HELP http_requests_total Requests answered, by route and status code.
# TYPE http_requests_total counter
http_requests_total{code="200",method="GET",route="GET /networks/{name}"} 2
http_requests_total{code="404",method="other",route="unmatched"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "http_requests_total"); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(registry, "http_request_duration_seconds"); n != 2 {
		t.Errorf("%d duration series, want 2", n)
	}
}

func TestRouteOfAPanicIsKnown(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /boom", func(http.ResponseWriter, *http.Request) { panic("boom") })
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/boom", nil)
	ctx, route := telemetry.WithRoute(r.Context())
	func() {
		defer func() { _ = recover() }()
		telemetry.RecordRoute(mux).ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	}()
	if route() != "GET /boom" {
		t.Errorf("got %q", route())
	}
}

func TestMetricsOfTheRuntimeAreServedToo(t *testing.T) {
	w := httptest.NewRecorder()
	telemetry.MetricsHandler(telemetry.NewRegistry()).ServeHTTP(w,
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "go_goroutines") {
		t.Errorf("%d: %s", w.Code, w.Body.String())
	}
}
