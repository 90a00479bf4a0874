// Package portal is my.irc.now: where people sign in, pick their handle, and look after their bouncer and its networks,
// their connection passwords, plan and account.
//
// Each part of it is an area, a package of its own with pages and routes, which site.go lists; package page is what all
// pages are in. Who somebody is, package auth says; what they may have, package account; their networks belong to the
// bouncer and are reached through bounceradmin. Everything a request holds is hostile until an area, or the package it is
// handed to, has checked it.
package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
	"irc.now/shared/payment"
	"irc.now/shared/store"
)

// Settings are the portal's environment variables.
type Settings struct {
	BaseURL             config.URL    `env:"BASE_URL,required,notEmpty"`              // where people reach the portal
	LandingURL          config.URL    `env:"LANDING_URL,required,notEmpty"`           // the landing site, linked from every page
	AccountsDatabaseURL config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"` // postgres://…, for a role that may do what the function does

	OIDCIssuer       string        `env:"OIDC_ISSUER,required,notEmpty"`        // the identity provider's issuer, exactly as it names itself
	OIDCClientID     string        `env:"OIDC_CLIENT_ID,required,notEmpty"`     // a client that may sign people in
	OIDCClientSecret config.Secret `env:"OIDC_CLIENT_SECRET,required,notEmpty"` // of OIDC_CLIENT_ID

	Bouncer bouncer.Settings

	// On a cluster users may have a dedicated bouncer, at HANDLE.host-of-LANDING_URL. Its bounceradmin takes a token
	// made of the key in BOUNCER_ADMIN_KEY_FILE; DATABASE_RETENTION is how long the operator keeps the database of one that was deleted.
	Cluster   client.Settings
	Retention time.Duration `env:"DATABASE_RETENTION" envDefault:"720h"` // how long the operator keeps a deleted bouncer's database

	IRCHost string `env:"IRC_HOST,required,notEmpty"` // what people type into their IRC client
	IRCPort int    `env:"IRC_PORT" envDefault:"6697"` // the port there
	IRCTLS  bool   `env:"IRC_TLS" envDefault:"true"`  // whether they do so with TLS

	// ExtraUpstreams are offered first in the picker and may lie in private address space:
	// "Name=ircs://host:port,Other=irc+insecure://host:port".
	ExtraUpstreams string `env:"EXTRA_NETWORKS"`

	// Stripe sells what has a price; without a key there is no billing page.
	Stripe payment.Settings
	// StripePages are the origins of the pages where people pay and manage what they have.
	StripePages []string `env:"STRIPE_PAGES" envDefault:"https://checkout.stripe.com,https://billing.stripe.com,https://invoice.stripe.com"`

	// Sink is the broker. Without it what the portal has to tell stays in the outbox until a tick.
	Sink config.URL `env:"K_SINK"`

	extra []bouncer.KnownUpstream // ExtraUpstreams, parsed by Validate
}

// Validate reports what the tags cannot: all problems together, each line beginning with its variable.
func (s *Settings) Validate() error {
	var problems []error
	if _, err := config.ParseURL(s.OIDCIssuer); err != nil {
		problems = append(problems, fmt.Errorf("OIDC_ISSUER %w", err))
	}
	if s.IRCPort < 1 || s.IRCPort > 65535 {
		problems = append(problems, errors.New("IRC_PORT must be between 1 and 65535"))
	}
	problems = append(problems, s.Cluster.ValidateWith(s.Bouncer))
	if s.Retention < 0 {
		problems = append(problems, errors.New("DATABASE_RETENTION must not be negative"))
	}
	extra, err := bouncer.ParseKnown(s.ExtraUpstreams)
	if err != nil {
		problems = append(problems, fmt.Errorf("EXTRA_NETWORKS cannot be read: %s", fault.Sentence(err)))
	}
	s.extra = extra
	if s.Stripe.Configured() {
		problems = append(problems, s.Stripe.Validate())
	}
	for _, page := range s.StripePages {
		if _, err := config.ParseURL(page); err != nil {
			problems = append(problems, fmt.Errorf("STRIPE_PAGES holds what %w", err))
		}
	}
	return errors.Join(problems...)
}

// Timing is what time it is for a portal, and how long it waits. Zero fields stand for the real clock, and for what suits
// people; tests set others.
type Timing struct {
	Now      func() time.Time // by which it is decided whether to ask a bouncer or the cluster again
	Patience time.Duration    // how long a page waits for the bouncer, the cluster or Stripe, each
	Follow   time.Duration    // how long a page is followed before it has to ask again
}

// Function is the portal as a function. Make it with [New].
type Function struct {
	instruments function.Instruments
	timing      Timing
	database    *store.Database
	relay       *outbox.Relay // nil where there is no broker
	handler     http.Handler
	leaving     chan struct{} // closed by Drain
	drain       sync.Once
}

// New makes a portal that has not been started.
func New() *Function {
	return &Function{
		database: store.NewDatabase("accounts", account.Migrations, auth.Migrations, outbox.Migrations),
		leaving:  make(chan struct{}),
	}
}

// Instrument takes the log and the metrics; the host calls it before Start.
func (f *Function) Instrument(instruments function.Instruments) {
	f.instruments = instruments
	f.database.LogTo(instruments.Log)
	instruments.Metrics.MustRegister(f.database.Collector())
}

// SetTiming takes another timing than people's; call it before Start.
func (f *Function) SetTiming(timing Timing) { f.timing = timing }

// Start reads the settings from env (see [Settings]), opens the accounts database and builds the site. The bouncer and
// the identity provider may be away.
func (f *Function) Start(ctx context.Context, env map[string]string) error {
	var settings Settings
	if err := config.Load(env, &settings); err != nil {
		return err
	}
	cluster, err := openCluster(settings)
	if err != nil {
		return err
	}
	if err := f.database.Open(ctx, settings.AccountsDatabaseURL); err != nil {
		return err
	}
	pool := f.database.Pool
	if settings.Sink != "" {
		f.relay = outbox.NewRelay(pool, event.NewSink(settings.Sink, outbound.Client(sinkDeadline)), f.log())
	}
	f.handler, err = newSite(settings, dependencies{
		pool: pool, relay: f.relay, log: f.log(), cluster: cluster, leaving: f.leaving, timing: f.timing,
		identity: outbound.Client(identityDeadline), bouncer: outbound.Client(bouncerDeadline),
	})
	if err != nil {
		f.database.Close()
		return err
	}
	return f.database.Wait(ctx)
}

// openCluster gives nil where there is no cluster.
func openCluster(settings Settings) (*client.Client, error) {
	if !settings.Cluster.Configured() {
		return nil, nil // one machine has no cluster, and that is no error
	}
	return settings.Cluster.Open()
}

func (f *Function) log() *slog.Logger {
	if f.instruments.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return f.instruments.Log
}

// Handle serves one request.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }

// Ready reports whether pages can be made, which needs the database. The rest may be away.
func (f *Function) Ready(ctx context.Context) (bool, error) { return f.database.Ready(ctx) }

// Alive reports that the process serves.
func (f *Function) Alive(context.Context) (bool, error) { return true, nil }

// Drain ends the pages that are followed.
func (f *Function) Drain() { f.drain.Do(func() { close(f.leaving) }) }

// Stop waits for events on their way to the broker and closes the database pool.
func (f *Function) Stop(ctx context.Context) (err error) {
	if f.relay != nil {
		err = f.relay.Stop(ctx)
	}
	f.database.Close()
	return err
}
