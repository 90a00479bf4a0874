package billing

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
	"irc.now/shared/payment"
)

const (
	sinkTimeout = 10 * time.Second
	// keepSent is how long sent events stay in the outbox, for whoever looks into what happened.
	keepSent = 7 * 24 * time.Hour
)

// settings are read from the environment.
type settings struct {
	payment.Settings
	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Sink     config.URL    `env:"K_SINK,required,notEmpty"`
}

// Function consumes Stripe's events and ticks.
type Function struct {
	log     *slog.Logger
	applied *prometheus.CounterVec
	graces  prometheus.Counter
	pool    *pgxpool.Pool
	store   *account.Store
	stripe  *payment.Client
	relay   *outbox.Relay
}

// New makes the function; Start gives it its settings.
func New() *Function {
	return &Function{log: slog.New(slog.DiscardHandler), applied: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "billing_events_total",
		Help: "Events from Stripe by outcome: changed, unchanged, repeated, ignored, failed.",
	}, []string{"outcome"}), graces: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "billing_graces_ended_total",
		Help: "Customers whose time after a downgrade is over.",
	})}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	with.Metrics.MustRegister(f.applied, f.graces)
}

// Start reads the settings and brings the database to the present schema.
func (f *Function) Start(ctx context.Context, env map[string]string) error {
	var s settings
	if err := config.Load(env, &s); err != nil {
		return err
	}
	pool, err := account.Open(ctx, s.Database.Reveal())
	if err != nil {
		return err
	}
	f.pool, f.store = pool, account.NewStore(pool)
	f.stripe = payment.New(s.Settings, f.log)
	f.relay = outbox.NewRelay(pool, event.NewSink(s.Sink, outbound.Client(sinkTimeout)), f.log)
	return nil
}

// Stop waits for what is being sent and closes the database.
func (f *Function) Stop(ctx context.Context) error {
	err := f.relay.Stop(ctx)
	f.pool.Close()
	return err
}

// Handle takes one event. Events of types that it does not know are none of its business and no mistake.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	switch {
	case e.Type() == event.TickType:
		return nil, f.tick(ctx)
	case strings.HasPrefix(e.Type(), event.StripePrefix):
		outcome, err := f.apply(ctx, e)
		f.applied.WithLabelValues(outcome).Inc()
		return nil, err
	default:
		return nil, nil //nolint:nilnil // "no answer" in the method set of Knative's functions
	}
}

// tick sends what an earlier run left in the outbox, forgets what is old, and ends what is over.
func (f *Function) tick(ctx context.Context) error {
	_, flush := f.relay.Flush(ctx)
	_, prune := f.relay.Prune(ctx, keepSent)
	return errors.Join(flush, prune, f.store.ForgetProcessed(ctx), f.endGraces(ctx))
}
