// Package billing applies what Stripe tells: an event about a customer makes it ask Stripe what that customer has now,
// and write it.
//
// It alone writes plans, add-ons and hosting. An event is a hint and nothing more: neither its payload nor the order
// of arrival is believed, so late, repeated and forged events end in the same state. It deletes nothing that a
// customer has made. With the new state it writes an event of ours, in the same transaction. An event of ours makes it
// ask as well, where somebody waits for what Stripe's own would tell.
//
// Money that went back is written down. What was paid with a payment that a bank took away for good is ended at Stripe, and
// that is all that this function changes there.
//
// At each tick it looks for customers whose time after a downgrade is over, and tells that in an event of ours too. What an
// absent broker left in the outbox, functions/outbox sends.
package billing

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
	"irc.now/shared/payment"
	"irc.now/shared/store"
)

const sinkTimeout = 10 * time.Second

// settings are read from the environment.
type settings struct {
	payment.Settings
	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Sink     config.URL    `env:"K_SINK,required,notEmpty"` // the broker
}

// Grants are what the function does in the accounts database: it alone writes what was bought.
var Grants = []store.Grant{
	{Table: "account", May: "SELECT, UPDATE (plan, log_search, extra_bots, hosting)"},
	{Table: "billing", May: "SELECT, UPDATE (standing, period_end, keep_until, grace_told, version, updated_at)"},
	{Table: "reversal", May: "SELECT, INSERT, UPDATE (status, amount, updated_at)"},
	inbox.Consumer, outbox.Writer, outbox.Relayer,
}

// Function consumes Stripe's events and ticks.
type Function struct {
	*store.Database

	log      *slog.Logger
	accounts *account.Store
	stripe   *payment.Client
	relay    *outbox.Relay
	applied  *prometheus.CounterVec
	graces   prometheus.Counter

	reversals *prometheus.CounterVec
}

// New makes the function; Start gives it its settings.
func New() *Function {
	return &Function{
		Database: store.NewDatabase("accounts", account.Migrations, outbox.Migrations, inbox.Migrations),
		log:      slog.New(slog.DiscardHandler),
		applied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "billing_events_total",
			Help: "Events from Stripe, and our own requests to ask it, by outcome: changed, unchanged, repeated, ignored, failed.",
		}, []string{"outcome"}),
		graces: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "billing_graces_ended_total",
			Help: "Customers whose time after a downgrade is over.",
		}),
		reversals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "billing_reversals_total",
			Help: "Money that went back, by kind (refund, dispute) and status (part, whole, open, won, lost).",
		}, []string{"kind", "status"}),
	}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	f.LogTo(with.Log)
	with.Metrics.MustRegister(f.applied, f.graces, f.reversals, f.Collector())
}

// Start reads the settings and opens the database.
func (f *Function) Start(ctx context.Context, env map[string]string) error {
	var s settings
	if err := config.Load(env, &s); err != nil {
		return err
	}
	if err := f.Open(ctx, s.Database); err != nil {
		return err
	}
	f.accounts, f.stripe = account.NewStore(f.Pool), payment.New(s.Settings, f.log)
	f.relay = outbox.NewRelay(f.Pool, event.NewSink(s.Sink, outbound.Client(sinkTimeout)), f.log)
	return f.Wait(ctx)
}

// Handle takes one event. Events of types that it does not know are none of its business and no mistake.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	switch {
	case e.Type() == event.TickType:
		return nil, f.tick(ctx)
	case e.Type() == event.SyncRequestedType:
		outcome, err := f.applyRequest(ctx, e)
		f.applied.WithLabelValues(outcome).Inc()
		return nil, err
	case strings.HasPrefix(e.Type(), event.StripePrefix):
		outcome, err := f.apply(ctx, e)
		f.applied.WithLabelValues(outcome).Inc()
		return nil, err
	default:
		return nil, nil // "no answer" in the method set of Knative's functions
	}
}

// Stop waits for what is being sent and closes the database.
func (f *Function) Stop(ctx context.Context) error {
	var err error
	if f.relay != nil {
		err = f.relay.Stop(ctx)
	}
	return errors.Join(err, f.Database.Stop(ctx))
}
