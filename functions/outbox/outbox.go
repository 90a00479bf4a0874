// Package outbox sends what waits in the outboxes of databases, whatever service they belong to: events that a crash or
// an absent broker left behind. Whoever writes an event sends it right away; this is the net below, at each tick.
//
// It forgets events that were sent long ago, and tells how far each outbox lags behind. It never looks into an event.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
)

const sinkTimeout = 10 * time.Second

// Grants are what the function does in each of its databases.
var Grants = []store.Grant{outbox.Relayer, outbox.Pruner}

// settings are read from the environment.
type settings struct {
	Databases addresses  `env:"OUTBOX_DATABASE_URLS,required,notEmpty"` // of all databases with an outbox, by name: "accounts=postgres://…,paste=postgres://…"
	Sink      config.URL `env:"K_SINK,required,notEmpty"`
}

// Function works on ticks.
type Function struct {
	log     *slog.Logger
	metrics prometheus.Registerer
	unsent  *prometheus.GaugeVec
	oldest  *prometheus.GaugeVec
	boxes   []*box
}

// box is the outbox of one database.
type box struct {
	*store.Database

	name  string
	relay *outbox.Relay
}

// New makes the function; Start gives it its databases.
func New() *Function {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"database"})
	}
	return &Function{
		log: slog.New(slog.DiscardHandler), metrics: prometheus.NewRegistry(),
		unsent: gauge("outbox_unsent_events", "Events that the broker has not taken yet, by database."),
		oldest: gauge("outbox_oldest_unsent_seconds", "Age of the oldest event that the broker has not taken yet, by database."),
	}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log, f.metrics = with.Log, with.Metrics
	with.Metrics.MustRegister(f.unsent, f.oldest)
}

// Start reads the settings and opens the databases.
func (f *Function) Start(ctx context.Context, env map[string]string) (err error) {
	var s settings
	if err := config.Load(env, &s); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	sink := event.NewSink(s.Sink, outbound.Client(sinkTimeout))
	for _, a := range s.Databases {
		if err := f.open(ctx, a, sink); err != nil {
			return err
		}
	}
	for _, b := range f.boxes {
		if err := b.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open begins to open one database.
func (f *Function) open(ctx context.Context, a address, sink outbox.Sink) error {
	database := store.NewDatabase(a.name, outbox.Migrations)
	database.LogTo(f.log)
	if err := f.metrics.Register(database.Collector()); err != nil {
		return fmt.Errorf("measure the database %s: %w", a.name, err)
	}
	if err := database.Open(ctx, a.url); err != nil {
		return err
	}
	log := f.log.With(slog.String("database", a.name))
	f.boxes = append(f.boxes, &box{database, a.name, outbox.NewRelay(database.Pool, sink, log)})
	return nil
}

// Handle works on a tick. Events of other types are none of its business and no mistake.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	if e.Type() != event.TickType {
		return nil, nil // "no answer" in the method set of Knative's functions
	}
	return nil, f.tick(ctx)
}

// Ready reports whether all databases can be worked with.
func (f *Function) Ready(ctx context.Context) (bool, error) {
	if len(f.boxes) == 0 {
		return false, store.ErrNotOpen
	}
	var away []error
	for _, b := range f.boxes {
		if ready, err := b.Ready(ctx); !ready {
			away = append(away, err)
		}
	}
	return len(away) == 0, errors.Join(away...)
}

// Stop closes the databases.
func (f *Function) Stop(context.Context) error {
	f.close()
	return nil
}

func (f *Function) close() {
	for _, b := range f.boxes {
		b.Close()
	}
}
