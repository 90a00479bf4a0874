package stripe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
)

const (
	maxBody = 1 << 20 // Stripe's events have some kilobytes
	// sinkTimeout is shorter than Stripe's patience, so that Stripe hears why.
	sinkTimeout = 8 * time.Second
)

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

// receive is where trust begins: nothing of the request is used before its signature is known to be Stripe's.
func (f *Function) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		f.refuse(w, r, http.StatusRequestEntityTooLarge, "This is larger than any event of Stripe's.", err)
		return
	}
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, "The request could not be read.", err)
		return
	}
	if err := f.verify(body, r.Header.Get("Stripe-Signature")); err != nil {
		f.refuse(w, r, http.StatusBadRequest, "The signature is not Stripe's, or too old.", err)
		return
	}
	notice, err := eventFor(body)
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, "This is not an event of Stripe's.", err)
		return
	}
	f.pass(w, r, notice)
}

// verify accepts a signature made with any of the secrets.
func (f *Function) verify(body []byte, header string) error {
	var all []error
	for _, secret := range f.settings.Secrets {
		err := webhook.ValidatePayloadWithTolerance(body, header, secret.Reveal(), f.settings.Tolerance)
		if err == nil {
			return nil
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// pass gives e to the broker. Whatever keeps the broker from taking it is answered with 5xx: then Stripe keeps the
// event and sends it again.
func (f *Function) pass(w http.ResponseWriter, r *http.Request, e event.Event) {
	err := f.sink.Send(r.Context(), event.WithRequestID(r.Context(), e))
	if err == nil {
		f.webhooks.WithLabelValues("taken").Inc()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	f.webhooks.WithLabelValues("undelivered").Inc()
	f.log.ErrorContext(r.Context(), "event not delivered", "event", e.ID(), "type", e.Type(), "error", err)
	status := httpfault.Status(err)
	if !fault.Is(err, fault.Unavailable) {
		status = http.StatusBadGateway // the broker's no is its mistake, never a reason to lose the event
	}
	http.Error(w, "The event was not taken. Please send it again later.", status)
}

func (f *Function) refuse(w http.ResponseWriter, r *http.Request, status int, sentence string, err error) {
	f.webhooks.WithLabelValues("refused").Inc()
	f.log.WarnContext(r.Context(), "webhook refused", "status", status, "error", err)
	http.Error(w, sentence, status)
}
