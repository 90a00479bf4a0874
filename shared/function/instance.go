package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/program"
	"irc.now/shared/telemetry"
)

// startPatience is how long a request waits for Start: Knative sends requests as soon as the port is open.
const startPatience = 30 * time.Second

// Instance is one running function. [New] makes it; Start, ServeHTTP and Stop may then be called in any order
// and concurrently, Start and Stop once each.
type Instance struct {
	name     string
	handler  Handler
	hooks    any // the function: handler, or what it adapts
	log      *slog.Logger
	metrics  prometheus.Registerer
	internal http.Handler
	requests *telemetry.HTTP

	gate     gate
	started  chan struct{} // closed when Start has returned
	startErr error         // to be read once started is closed
	stop     sync.Once
	stopErr  error
}

// New makes an instance of f that logs to log under name, and has metrics of its own.
func New(name string, f Handler, log *slog.Logger) *Instance {
	registry := telemetry.NewRegistry()
	i := newInstance(name, f, log, registry)
	i.internal = program.Internal(telemetry.MetricsHandler(registry), i, log)
	return i
}

func newInstance(name string, f Handler, log *slog.Logger, metrics prometheus.Registerer) *Instance {
	i := &Instance{
		name: name, handler: f, hooks: f, log: log, started: make(chan struct{}),
		metrics: metrics, requests: telemetry.NewHTTP(metrics),
	}
	if adapter, ok := f.(Adapter); ok {
		i.hooks = adapter.Adapts()
	}
	return i
}

// Start calls the function's hooks; env is what it is configured from. Requests that wait are handled when it
// returns nil and refused when it fails.
func (i *Instance) Start(ctx context.Context, env map[string]string) (err error) {
	began := time.Now()
	defer func() {
		if reason := recover(); reason != nil {
			i.log.ErrorContext(ctx, "start panicked", "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
			err = errors.New("start panicked; the log has the stack")
		}
		i.startErr = err
		close(i.started)
		if err == nil {
			i.log.InfoContext(ctx, "started", "duration", time.Since(began))
		}
	}()
	i.instrument()
	if f, ok := i.hooks.(Starter); ok {
		return f.Start(ctx, env)
	}
	return nil
}

func (i *Instance) instrument() {
	with := Instruments{Log: i.log, Metrics: i.metrics}
	if adapter, ok := i.handler.(Adapter); ok {
		if f, ok := adapter.(Instrumented); ok {
			f.Instrument(with)
		}
	}
	if f, ok := i.hooks.(Instrumented); ok {
		f.Instrument(with)
	}
}

// Stop refuses new requests, waits for the running ones as long as ctx lasts, then calls the function's Stop.
func (i *Instance) Stop(ctx context.Context) error {
	i.stop.Do(func() { i.stopErr = i.stopNow(ctx) })
	return i.stopErr
}

// Drain tells the function that it is about to be stopped; Stop does so too.
func (i *Instance) Drain() {
	if f, ok := i.hooks.(Drainer); ok {
		f.Drain()
	}
}

func (i *Instance) stopNow(ctx context.Context) error {
	i.Drain()
	var unfinished error
	select {
	case <-i.gate.close():
	case <-ctx.Done():
		unfinished = fmt.Errorf("wait for running requests: %w", context.Cause(ctx))
	}
	select {
	case <-i.started:
	case <-ctx.Done():
		return errors.Join(unfinished, fmt.Errorf("wait for start: %w", context.Cause(ctx)))
	}
	f, ok := i.hooks.(Stopper)
	if !ok || i.startErr != nil {
		return unfinished
	}
	if err := f.Stop(ctx); err != nil {
		return errors.Join(unfinished, fmt.Errorf("stop %s: %w", i.name, err))
	}
	return unfinished
}

// Alive says whether the program should be left alone, as the function has it.
func (i *Instance) Alive(ctx context.Context) (bool, error) {
	if f, ok := i.hooks.(LivenessReporter); ok {
		return f.Alive(ctx)
	}
	return true, nil
}

// Ready says whether requests are handled and the function wants them.
func (i *Instance) Ready(ctx context.Context) (bool, error) {
	select {
	case <-i.started:
	default:
		return false, nil
	}
	if i.startErr != nil || i.gate.closed() {
		return false, nil
	}
	if f, ok := i.hooks.(ReadinessReporter); ok {
		return f.Ready(ctx)
	}
	return true, nil
}

// Internal answers what is for the cluster alone, of an instance that [New] made: /health/liveness, /health/readiness and
// /metrics.
func (i *Instance) Internal() http.Handler { return i.internal }

// waitStarted holds a request until it can be handled; false where it will not be.
func (i *Instance) waitStarted(ctx context.Context) bool {
	select {
	case <-i.started: // the usual case, without a timer
		return i.startErr == nil
	default:
	}
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case <-i.started:
		return i.startErr == nil
	case <-ctx.Done():
	case <-patience.C:
	}
	return false
}

// gate counts running requests, and closes. Its zero value is open.
type gate struct {
	mu      sync.Mutex
	running int
	drained chan struct{} // nil while the gate is open
}

// enter is false once the gate is closed; each true needs a leave.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drained != nil {
		return false
	}
	g.running++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.drained != nil && g.running == 0 {
		close(g.drained)
	}
}

// close lets nobody enter any more; its channel closes when all have left. It is called once.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drained = make(chan struct{})
	if g.running == 0 {
		close(g.drained)
	}
	return g.drained
}

func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.drained != nil
}
