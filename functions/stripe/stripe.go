// Package stripe is the bridge from Stripe's webhooks to our events: POST /webhook takes one event of Stripe's, and
// the broker gets one CloudEvent with the same id.
//
// It owns the check of the signature and nothing else. It keeps no state and has no database: Stripe gets a 2xx only
// once the broker has taken the event, and sends again for three days otherwise. It never acts on what an event says.
package stripe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
)

// settings are read from the environment.
type settings struct {
	// Secrets sign the webhooks: several while one is being replaced in Stripe's dashboard.
	Secrets []config.Secret `env:"STRIPE_WEBHOOK_SECRETS,required,notEmpty"`
	// Tolerance is how old a signature may be, and how far ahead. It bounds how long a webhook that somebody recorded can be replayed.
	Tolerance time.Duration `env:"STRIPE_WEBHOOK_TOLERANCE" envDefault:"5m"`
	Sink      config.URL    `env:"K_SINK,required,notEmpty"` // the broker
}

// maxTolerance keeps a slip from turning the check of age off.
const maxTolerance = time.Hour

// Validate reports settings that are there and cannot be.
func (s *settings) Validate() error {
	var all []error
	if s.Tolerance <= 0 || s.Tolerance > maxTolerance {
		all = append(all, fmt.Errorf("STRIPE_WEBHOOK_TOLERANCE must be more than 0 and at most %s", maxTolerance))
	}
	for _, secret := range s.Secrets {
		// An empty secret is one that everybody knows.
		if secret == "" {
			all = append(all, errors.New("STRIPE_WEBHOOK_SECRETS has an empty secret between its commas"))
		}
	}
	return errors.Join(all...)
}

// Function takes Stripe's webhooks.
type Function struct {
	settings settings
	log      *slog.Logger
	webhooks *prometheus.CounterVec
	sink     *event.Sink
	routes   *http.ServeMux
}

// New makes the function; Start gives it its settings.
func New() *Function {
	return &Function{log: slog.New(slog.DiscardHandler), webhooks: newCounter()}
}

func newCounter() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "stripe_webhooks_total", Help: "Webhooks from Stripe by outcome: taken, refused, undelivered.",
	}, []string{"outcome"})
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	with.Metrics.MustRegister(f.webhooks)
}

// Start reads the settings.
func (f *Function) Start(_ context.Context, env map[string]string) error {
	if err := config.Load(env, &f.settings); err != nil {
		return err
	}
	f.sink = event.NewSink(f.settings.Sink, outbound.Client(sinkTimeout))
	f.routes = http.NewServeMux()
	f.routes.HandleFunc("POST /webhook", f.receive)
	return nil
}

// Handle answers one request.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) { f.routes.ServeHTTP(w, r) }
