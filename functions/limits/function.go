// Package limits tells the bouncer what a user may have there when the plan has changed, whether or not the user
// opens a page of the portal: what was paid for is there at once, and what is no longer paid for ends.
//
// It lowers and raises the limit of networks and nothing else: networks above it stay, and no new ones can be made.
// An event says only whose plan to look at; what the plan allows is read from the accounts database.
package limits

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
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

type settings struct {
	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Bouncer  bouncer.Settings
	Cluster  client.Settings // where users' own bouncers are, if anywhere
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	return s.Cluster.ValidateWith(s.Bouncer)
}

// Function consumes event.PlanChanged.
type Function struct {
	log     *slog.Logger
	metrics prometheus.Registerer

	pool     *pgxpool.Pool
	accounts *account.Store
	shared   *bouncer.Admin
	own      *client.Dedicated // nil where nobody has a bouncer of their own
}

// New makes the function; Start gives it its settings.
func New() *Function {
	return &Function{log: slog.New(slog.DiscardHandler), metrics: prometheus.NewRegistry()}
}

// Instrument implements function.Instrumented.
func (f *Function) Instrument(with function.Instruments) { f.log, f.metrics = with.Log, with.Metrics }

// Start reads the settings and brings the database to the present schema. The bouncer may start later.
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
	pool, err := account.Open(ctx, s.Database.Reveal())
	if err != nil {
		return err
	}
	f.pool, f.accounts = pool, account.NewStore(pool)
	f.shared, f.own = s.Bouncer.Admin(calls), own
	f.metrics.MustRegister(store.PoolCollector(pool, "accounts"))
	return nil
}

// Stop closes the database.
func (f *Function) Stop(context.Context) error {
	if f.pool != nil {
		f.pool.Close()
	}
	return nil
}

// Handle takes one event. It is safe to repeat, and late ones do no harm.
func (f *Function) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	if e.Type() != event.PlanChangedType {
		return nil, nil //nolint:nilnil // "no answer" in the method set of Knative's functions
	}
	changed, err := event.Decode[event.PlanChanged](e)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "This is not the event that its type says.")
	}
	return nil, f.tell(event.RequestContext(ctx, e), changed.Account)
}

// tell gives the bouncer the limit, and looks again afterwards: of two that work on one user at once, the one with the
// older answer may be the last to be heard, but then it sees that it is wrong.
func (f *Function) tell(ctx context.Context, accountID string) error {
	user, err := f.accounts.ByID(ctx, accountID)
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
		told := user.Entitlements().UpstreamNetworks
		if err := f.everywhere(ctx, string(user.Handle), told); err != nil {
			return err
		}
		user, err = f.accounts.ByID(ctx, accountID)
		if err == nil && user.Entitlements().UpstreamNetworks == told {
			f.log.InfoContext(ctx, "bouncer knows the limit", "user", accountID, "networks", told)
			return nil
		}
	}
	return fault.Wrap(errors.New("the plan keeps changing"), fault.Unavailable, "Too much happens to this user at once.")
}

// everywhere tells the shared bouncer and the user's own, if there is one.
func (f *Function) everywhere(ctx context.Context, handle string, limit int) error {
	ensure := func(at *bouncer.Admin) error { return at.EnsureUser(ctx, handle, limit) }
	return errors.Join(ensure(f.shared), f.own.Tell(ctx, handle, ensure))
}
