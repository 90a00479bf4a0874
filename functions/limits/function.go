// Package limits makes true what a user may have when the plan has changed, whether or not the user opens a page of the
// portal: what was paid for is there at once, and what is no longer paid for ends.
//
// It tells bouncers the limit of networks: those above it stay, and no new ones can be made. Where users have bouncers
// and networks of their own, it stops those that are over the plan when the time after a downgrade is over, and starts
// them again when the plan has room for them. It deletes nothing, and leaves alone what an administrator suspended: its
// word is a field of its own, spec.overPlan.
//
// An event says only whose plan to look at; what the plan allows is read from the accounts database.
package limits

import (
	"context"
	"errors"
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

// maxTries bounds how often the plan may change again while the bouncer is told.
const maxTries = 5

// Grants are what the function does in the accounts database: it reads what was bought.
var Grants = []store.Grant{
	{Table: "account", May: "SELECT"},
	{Table: "billing", May: "SELECT"},
}

type settings struct {
	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Bouncer  bouncer.Settings
	Cluster  client.Settings // where users' own bouncers are, if anywhere
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	return s.Cluster.ValidateWith(s.Bouncer)
}

// Function consumes event.PlanChanged and event.GraceEnded.
type Function struct {
	*store.Database

	log      *slog.Logger
	accounts *account.Store
	shared   *bouncer.Admin
	own      *client.Dedicated // nil where nobody has a bouncer of their own
	fitted   *prometheus.CounterVec
}

// New makes the function; Start gives it its settings.
func New() *Function {
	return &Function{
		Database: store.NewDatabase("accounts", account.Migrations), log: slog.New(slog.DiscardHandler),
		fitted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limits_fitted_total",
			Help: "Users' own bouncers and networks that were fitted to the plan, by kind and change: stopped, started, hosting.",
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
	own, err := s.Cluster.Dedicated(s.Bouncer.PlatformKey, calls)
	if err != nil {
		return err
	}
	if err := f.Open(ctx, s.Database); err != nil {
		return err
	}
	f.accounts = account.NewStore(f.Pool)
	f.shared, f.own = s.Bouncer.Admin(calls), own
	return f.Wait(ctx)
}

// Handle takes one event. It is safe to repeat, and late ones do no harm.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	account, err := about(e)
	switch {
	case err != nil:
		return nil, fault.Wrap(err, fault.Invalid, "This is not the event that its type says.")
	case account == "":
		return nil, nil //nolint:nilnil // "no answer" in the method set of Knative's functions
	}
	return nil, f.settle(event.RequestContext(ctx, e), account)
}

// about is the account whose plan to look at; empty where the event is none of ours.
func about(e event.Event) (string, error) {
	switch e.Type() {
	case event.PlanChangedType:
		changed, err := event.Decode[event.PlanChanged](e)
		return changed.Account, err
	case event.GraceEndedType:
		ended, err := event.Decode[event.GraceEnded](e)
		return ended.Account, err
	default:
		return "", nil
	}
}

// due is what a user may have at a moment.
type due struct {
	account.Entitlements

	hosting   account.Hosting
	graceOver bool
}

// look reads whom the account belongs to, and what is due.
func (f *Function) look(ctx context.Context, accountID string) (account.User, due, error) {
	user, err := f.accounts.ByID(ctx, accountID)
	if err != nil {
		return user, due{}, err
	}
	billing, err := f.accounts.BillingOf(ctx, accountID)
	return user, due{user.Entitlements(), user.Hosting, billing.GraceOver(time.Now())}, err
}

// settle makes true what is due, and looks again afterwards: of two that work on one user at once, the one with the
// older answer may be the last to be heard, but then it sees that it is wrong.
func (f *Function) settle(ctx context.Context, accountID string) error {
	user, now, err := f.look(ctx, accountID)
	for range maxTries {
		switch {
		case fault.Is(err, fault.NotFound):
			f.log.InfoContext(ctx, "the plan of nobody changed", "user", accountID)
			return nil
		case err != nil:
			return err
		case user.Handle == "":
			return nil // not at the bouncer yet; the portal tells it the limit when it is
		}
		made := now
		failed := f.make(ctx, user, made)
		if failed != nil && !errors.Is(failed, errMoved) {
			return failed
		}
		user, now, err = f.look(ctx, accountID)
		if failed == nil && err == nil && now == made {
			f.log.InfoContext(ctx, "bouncer knows the limit", "user", accountID, "networks", made.UpstreamNetworks)
			return nil
		}
	}
	return fault.Wrap(errors.New("the plan keeps changing"), fault.Unavailable, "Too much happens to this user at once.")
}

// make fits what the user has to the plan, then tells the limit: a bouncer that is started has to hear it.
func (f *Function) make(ctx context.Context, user account.User, due due) error {
	err := f.fit(ctx, user, due.graceOver)
	if errors.Is(err, errMoved) {
		return err
	}
	return errors.Join(err, f.everywhere(ctx, user, due)) // the one does not wait for the other
}

// everywhere tells the shared bouncer and the user's own, if there is one.
func (f *Function) everywhere(ctx context.Context, user account.User, due due) error {
	ensure := func(at *bouncer.Admin) error { return at.EnsureUser(ctx, string(user.Handle), due.UpstreamNetworks) }
	return errors.Join(ensure(f.shared), f.own.Tell(ctx, string(user.Handle), ensure))
}
