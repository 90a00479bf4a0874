package program

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"irc.now/shared/telemetry"
)

// Process is what Run has of the process it runs in.
type Process struct {
	Env     map[string]string // what the program is configured from
	Log     *slog.Logger
	Metrics prometheus.Registerer // of what /metrics serves
	Build   Build

	stopTime        time.Duration
	internalAddress string // "" where what serves the public answers health and metrics, too
	metrics         http.Handler
	health          atomic.Pointer[Health]
	stopping        atomic.Bool
}

// Health is what a program says of itself. An error goes to the log, and means no.
type Health interface {
	// Alive says whether the program should be left alone (true) or restarted.
	Alive(ctx context.Context) (bool, error)
	// Ready says whether work should be sent here now.
	Ready(ctx context.Context) (bool, error)
}

// Up is the health of a program that works when it runs.
type Up struct{}

// Alive is true.
func (Up) Alive(context.Context) (bool, error) { return true, nil }

// Ready is true.
func (Up) Ready(context.Context) (bool, error) { return true, nil }

// Report lets h answer for the program's health. Until then it is alive and not ready; nor is it when it stops.
func (p *Process) Report(h Health) { p.health.Store(&h) }

// Alive asks what was reported.
func (p *Process) Alive(ctx context.Context) (bool, error) {
	if h := p.health.Load(); h != nil {
		return (*h).Alive(ctx)
	}
	return true, nil
}

// Ready asks what was reported.
func (p *Process) Ready(ctx context.Context) (bool, error) {
	if h := p.health.Load(); h != nil && !p.stopping.Load() {
		return (*h).Ready(ctx)
	}
	return false, nil
}

// registerMetrics decides what /metrics serves. A given registry brings the process's own metrics.
func (p *Process) registerMetrics(name string, given Registry) {
	if given != nil {
		p.Metrics = given
		p.metrics = promhttp.HandlerFor(given, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4})
	} else {
		registry := telemetry.NewRegistry()
		p.Metrics, p.metrics = registry, telemetry.MetricsHandler(registry)
	}
	p.Metrics.MustRegister(p.Build.metric(name))
}
