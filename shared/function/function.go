// Package function hosts a function: the same value runs as a Knative Service, on AWS Lambda, or mounted in
// another program.
//
// A function is a value with the method set of knative.dev/func-go: Handle, and any of the hooks below. A
// function's main is one call of [Main], which picks the host by its environment:
//
//   - AWS_LAMBDA_RUNTIME_API is set: AWS Lambda, answering Function URL and API Gateway v2 (payload 2.0)
//     requests.
//   - else HTTP/1.1 and HTTP/2 without TLS (as Knative's queue-proxy speaks it) on LISTEN_ADDRESS, or on
//     ":$PORT", or on 127.0.0.1:8080.
//
// Every host gives each request an id, a line in the access log, metrics by route and a plain 500 where the
// function panics. What it has in common with every program (settings of the log, health, metrics, the stop) is in package
// program.
//
// Package cloudevent makes a function that consumes CloudEvents one that is hosted here, and has a Main for those.
//
// The package must not know any function, and holds no routing, sessions or pages.
package function

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// Handler is a function that answers HTTP requests. Handle is called concurrently. Everything in the request
// comes from strangers, except for the context's request id, which is safe to show.
type Handler interface {
	Handle(w http.ResponseWriter, r *http.Request)
}

// Adapter is a handler that answers HTTP for a function of another shape, as package cloudevent's does. The host looks for
// the hooks below on what is adapted; the adapter itself may be [Instrumented], too.
type Adapter interface {
	Handler
	Adapts() any
}

// Starter is called once before requests are handled; those that arrive meanwhile wait. Start returns when the
// function can work; its error ends the program. ctx bounds Start alone: what goes on afterwards ends in Stop.
type Starter interface {
	Start(ctx context.Context, env map[string]string) error
}

// Stopper is called once after the last request has been answered. ctx bounds the time it has.
type Stopper interface {
	Stop(ctx context.Context) error
}

// Drainer is called when the program was told to stop, before running requests are waited for: answers that would go
// on for minutes end now. It may be called more than once, and before Start has returned.
type Drainer interface {
	Drain()
}

// ReadinessReporter says whether requests should be sent here now.
type ReadinessReporter interface {
	Ready(ctx context.Context) (bool, error)
}

// LivenessReporter says whether the program should be left alone (true) or restarted.
type LivenessReporter interface {
	Alive(ctx context.Context) (bool, error)
}

// Instrumented is called before Start with what the function may report through.
type Instrumented interface {
	Instrument(with Instruments)
}

// Instruments is what a function reports through. Log adds the context's request id.
type Instruments struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
}
