package program

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"
)

// The paths that Knative's own function runtimes use.
const (
	livenessPath  = "/health/liveness"
	readinessPath = "/health/readiness"
	metricsPath   = "/metrics"
)

// Internal answers what is for those who look after a program: /health/liveness, /health/readiness and /metrics.
func Internal(metrics http.Handler, h Health, log *slog.Logger) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET "+livenessPath, check(h.Alive, "ALIVE", log))
	mux.Handle("GET "+readinessPath, check(h.Ready, "READY", log))
	mux.Handle("GET "+metricsPath, metrics)
	return mux
}

// check answers with what hook says; its error goes to the log only.
func check(hook func(context.Context) (bool, error), yes string, log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ok, err := hook(r.Context())
		if err != nil {
			log.WarnContext(r.Context(), "health check failed", "path", r.URL.Path, "error", err)
		}
		if err != nil || !ok {
			answer(w, http.StatusServiceUnavailable, "NOT "+yes)
			return
		}
		answer(w, http.StatusOK, yes)
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// openInternal serves what is internal, and profiles: they tell what is in memory and keep a processor busy for as long as
// somebody asks for, so they are on no other address.
func (p *Process) openInternal(ctx context.Context) (*Server, error) {
	mux := Internal(p.metrics, p, p.Log)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s, err := p.listen(ctx, p.internalAddress, "METRICS_ADDRESS chooses where", mux)
	if err == nil {
		p.Log.InfoContext(ctx, "metrics and profiles", "address", s.address)
	}
	return s, err
}

// public is what a port answers that the public reaches: handler, health, and metrics unless they have an address of
// their own.
func (p *Process) public(handler http.Handler) http.Handler {
	// A mux takes longer to make than a request takes, and most processes are asked for nothing of this.
	internal := sync.OnceValue(func() http.Handler { return Internal(p.metrics, p, p.Log) })
	metrics := p.internalAddress == ""
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == livenessPath, path == readinessPath, metrics && path == metricsPath:
			internal().ServeHTTP(w, r)
		default:
			handler.ServeHTTP(w, r)
		}
	})
}
