// Package deadletter keeps the events that no subscriber took: it is the dead-letter sink of the cluster's Triggers.
// On one machine the broker itself keeps them.
//
// The table dead_letter comes with [Migrations]. The function only adds to it, and never acts on what an event says. Whoever looks after
// the platform sees them in the log, in the metric and in the table.
package deadletter

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/store"
)

// What Knative's broker notes on a dead letter.
const (
	destinationExtension = "knativeerrordest"
	statusExtension      = "knativeerrorcode"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations bring the table of dead letters.
var Migrations = store.Set{Name: "deadletter", Files: files}

// Grants are what the function does in the accounts database: it reads nothing.
var Grants = []store.Grant{
	{Table: "dead_letter", May: "INSERT"},
}

type settings struct {
	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
}

// Function keeps dead letters.
type Function struct {
	*store.Database

	log  *slog.Logger
	kept prometheus.Counter
	now  func() time.Time
}

// New makes the function; Start gives it its database.
func New() *Function {
	return &Function{
		Database: store.NewDatabase("accounts", Migrations), log: slog.New(slog.DiscardHandler), now: time.Now,
		kept: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dead_letters_total", Help: "Events that no subscriber took.",
		}),
	}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	f.LogTo(with.Log)
	with.Metrics.MustRegister(f.kept, f.Collector())
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
	return f.Wait(ctx)
}

// Lenient lets what no other function takes in.
func (f *Function) Lenient() {}

// Handle keeps one dead letter. The same one again changes nothing.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	encoded, err := encode(e)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The event cannot be written as JSON.")
	}
	tag, err := f.Exec(ctx, `
		INSERT INTO dead_letter (source, id, destination, type, status, event, died_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		clean(e.Source()), clean(e.ID()), extension(e, destinationExtension), clean(e.Type()),
		extension(e, statusExtension), encoded, f.now())
	if err != nil {
		return nil, store.Fault(fmt.Errorf("keep dead letter %s: %w", e.ID(), err))
	}
	if tag.RowsAffected() == 1 {
		f.kept.Inc()
		f.log.ErrorContext(ctx, "dead letter", "event", e.ID(), "type", e.Type(), "source", e.Source(),
			"destination", extension(e, destinationExtension), "status", extension(e, statusExtension))
	}
	return nil, nil // "no answer" in the method set of Knative's functions
}

func extension(e event.Event, name string) string {
	text, err := types.Format(e.Extensions()[name])
	if err != nil {
		return ""
	}
	return clean(text)
}

// encode writes e as JSON. Data that is not what it says to be is kept as bytes.
func encode(e event.Event) ([]byte, error) {
	encoded, err := json.Marshal(e)
	if err == nil {
		return encoded, nil
	}
	e = e.Clone()
	e.DataBase64 = true
	return json.Marshal(e)
}

// longest is how much of a text is kept beside the event itself: three of them are in one row of an index, which PostgreSQL
// bounds.
const longest = 800

// clean makes a stranger's text fit PostgreSQL's. One that is cut ends with what tells it from others that begin like it.
func clean(text string) string {
	if len(text) > longest {
		sum := sha256.Sum256([]byte(text))
		text = text[:longest] + "…" + hex.EncodeToString(sum[:8])
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}
