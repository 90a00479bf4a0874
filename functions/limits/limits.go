// Package limits makes true what a user may have when the plan has changed, whether or not the user opens a page of the
// portal: what was paid for is there at once, and what is no longer paid for ends.
//
// It tells bouncers the limit of upstreams: those above it stay, and no new ones can be made. Where users have dedicated
// bouncers and hosted networks, it stops those that are over the plan when the time after a downgrade is over, and starts
// them again when the plan has room for them; and it writes how many clients a network takes. It deletes nothing, and
// leaves alone what an administrator suspended: its word is a field of its own, spec.overPlan.
//
// An event says only whose plan to look at; what the plan allows is read from the accounts database.
package limits

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
)

const callTimeout = 10 * time.Second

// Grants are what the function does in the accounts database: it reads what was bought.
var Grants = []store.Grant{
	{Table: "account", May: "SELECT"},
	{Table: "billing", May: "SELECT"},
}

type settings struct {
	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Bouncer  bouncer.Settings
	Cluster  client.Settings // where dedicated bouncers and hosted networks are, if anywhere
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	return s.Cluster.ValidateWith(s.Bouncer)
}

// Function consumes event.PlanChanged and event.GraceEnded.
type Function struct {
	*store.Database

	log       *slog.Logger
	accounts  *account.Store
	shared    *bouncer.Admin
	dedicated *client.Dedicated // nil where nobody has a dedicated bouncer
	fitted    *prometheus.CounterVec
}

// New makes the function; Start gives it its settings.
func New() *Function {
	return &Function{
		Database: store.NewDatabase("accounts", account.Migrations), log: slog.New(slog.DiscardHandler),
		fitted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limits_fitted_total",
			Help: "Dedicated bouncers and hosted networks that were fitted to the plan, by kind and change: stopped, started, resized.",
		}, []string{"kind", "change"}),
	}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) {
	f.log = with.Log
	f.LogTo(with.Log)
	with.Metrics.MustRegister(f.fitted, f.Collector())
}

// Start reads the settings and opens the database. The bouncer may start later.
func (f *Function) Start(ctx context.Context, env map[string]string) error {
	var s settings
	if err := config.Load(env, &s); err != nil {
		return err
	}
	calls := outbound.Client(callTimeout)
	dedicated, err := s.Cluster.Dedicated(s.Bouncer.AdminKey, calls)
	if err != nil {
		return err
	}
	if err := f.Open(ctx, s.Database); err != nil {
		return err
	}
	f.accounts = account.NewStore(f.Pool)
	f.shared, f.dedicated = s.Bouncer.Admin(calls), dedicated
	return f.Wait(ctx)
}

// Handle takes one event. It is safe to repeat, and late ones do no harm.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	accountID, err := subject(e)
	switch {
	case err != nil:
		return nil, fault.Wrap(err, fault.Invalid, "This is not the event that its type says.")
	case accountID == "":
		return nil, nil // "no answer" in the method set of Knative's functions
	}
	return nil, f.enforce(ctx, accountID)
}
