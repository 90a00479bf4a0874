// Package admission is the validating webhook for SojuBouncers and ErgoNetworks: the Kubernetes API server asks it
// before it stores one that is new or has changed.
//
// It is the safety net of plans: it holds when the portal is by-passed. What the schemas can say by themselves is not
// repeated here. It fails closed: where the accounts or the cluster cannot be asked, nothing new gets in. What is there
// already can always be suspended, changed within its limits and deleted, whatever has become of its owner's plan.
package admission

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/operators/client"
	"irc.now/shared/config"
	"irc.now/shared/function"
	"irc.now/shared/telemetry"
)

// path is where reviews come to.
const path = "/validate"

// settings are the environment of the function, with TENANT_NAMESPACE and what else [client.Settings] reads. Objects in
// other namespaces are refused, since no operator looks there.
type settings struct {
	client.Settings

	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Changers []string      `env:"OWNER_CHANGERS"` // user names, with commas between, who may change the label of an owner
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	problems := []error{s.Settings.Validate()}
	if s.Namespace == "" {
		problems = append(problems, errors.New("TENANT_NAMESPACE is not set, where all bouncers and networks are"))
	}
	return errors.Join(problems...)
}

// Function answers reviews. Start makes it ready.
type Function struct {
	log       *slog.Logger
	handler   http.Handler
	accounts  *database
	cluster   cluster
	api       *client.Client
	namespace string
	changers  map[string]bool
	decisions *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

// New makes the function.
func New() *Function {
	return &Function{
		log: slog.New(slog.DiscardHandler), accounts: newDatabase(),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "admission_decisions_total", Help: "Decided reviews by kind, operation and result.",
		}, []string{"kind", "operation", "result"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "admission_decision_duration_seconds", Help: "Time that a decision took, by kind and operation.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"kind", "operation"}),
	}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	f.accounts.LogTo(with.Log)
	with.Metrics.MustRegister(f.decisions, f.durations, f.accounts.Collector())
}

// Start reads the settings. It connects to nothing: an accounts database or an API server that is away is said in each
// answer, which the person who waits for it gets to read.
func (f *Function) Start(_ context.Context, environ map[string]string) error {
	var s settings
	if err := config.Load(environ, &s); err != nil {
		return err
	}
	api, err := s.Open()
	if err != nil {
		return err
	}
	f.api, f.cluster, f.namespace = api, live{api}, s.Namespace
	f.accounts.url = s.Database
	f.changers = map[string]bool{}
	for _, name := range s.Changers {
		f.changers[name] = true
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, f.answer)
	f.handler = telemetry.RecordRoute(mux)
	return nil
}

// Handle answers one request.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }

// Ready reports whether reviews are answered. The database does not matter: without it the answer is a refusal that
// says so, and a function that is not ready would keep it from whoever waits.
func (f *Function) Ready(context.Context) (bool, error) { return f.handler != nil, nil }

// Stop closes the connections.
func (f *Function) Stop(context.Context) error {
	f.accounts.close()
	if f.api != nil {
		f.api.CloseIdleConnections()
	}
	return nil
}
