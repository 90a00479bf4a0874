package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// NewRegistry makes a registry for a program's own metrics.
func NewRegistry() *prometheus.Registry { return prometheus.NewRegistry() }

// process holds the Go runtime's and the process's metrics. Describing those takes about as long as all else a
// function does at its start, so they wait for the first scrape.
var process = sync.OnceValue(func() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
})

// MetricsHandler serves registry, and with it the Go runtime's and the process's metrics, in the Prometheus
// formats. It is for scrapers, never for the public.
func MetricsHandler(registry *prometheus.Registry) http.Handler {
	both := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		return prometheus.Gatherers{registry, process()}.Gather()
	})
	return promhttp.HandlerFor(both, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4})
}

// HTTP measures rate, errors and duration of HTTP requests by route. Routes are patterns of http.ServeMux, so
// the number of series does not depend on what strangers ask for.
type HTTP struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewHTTP registers the metrics http_requests_total{method,route,code},
// http_request_duration_seconds{method,route} and http_requests_in_flight.
func NewHTTP(registerer prometheus.Registerer) *HTTP {
	m := &HTTP{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered, by route and status code.",
		}, []string{"method", "route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time from the request's arrival to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_requests_in_flight", Help: "Requests being answered now.",
		}),
	}
	registerer.MustRegister(m.requests, m.duration, m.inFlight)
	return m
}

// Begin counts a request as running; call the result once with its route and status code when it is answered.
func (m *HTTP) Begin(method string) func(route string, code int) {
	started := time.Now()
	m.inFlight.Inc()
	return func(route string, code int) {
		m.inFlight.Dec()
		method := knownMethod(method)
		m.requests.WithLabelValues(method, route, strconv.Itoa(code)).Inc()
		m.duration.WithLabelValues(method, route).Observe(time.Since(started).Seconds())
	}
}

// knownMethod bounds a label that strangers choose.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return method
	}
	return "other"
}

// Unmatched is the route of requests that no pattern took.
const Unmatched = "unmatched"

type routeKey struct{}

// WithRoute lets what is further in name the route of this request; route gives that name, or [Unmatched].
func WithRoute(ctx context.Context) (_ context.Context, route func() string) {
	var name atomic.Pointer[string]
	return context.WithValue(ctx, routeKey{}, &name), func() string {
		if found := name.Load(); found != nil && *found != "" {
			return *found
		}
		return Unmatched
	}
}

// RecordRoute names the request's route after the pattern that mux matches. It goes directly around a
// http.ServeMux: middleware in between may copy the request, and the pattern is set on the copy only.
func RecordRoute(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { // deferred, so that a route that panics is named too
			if name, ok := r.Context().Value(routeKey{}).(*atomic.Pointer[string]); ok && r.Pattern != "" {
				pattern := r.Pattern
				name.Store(&pattern)
			}
		}()
		mux.ServeHTTP(w, r)
	})
}
