// Package portal is my.irc.now: where people sign in, pick their handle, and look after their networks, connection
// passwords and account.
//
// It owns pages and forms only. Who somebody is, package auth says; what they may have, package account; their
// networks belong to the bouncer and are reached through bounceradmin. Everything a request holds is hostile until
// a form's method here, or the package it is handed to, has checked it.
package portal

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
	"irc.now/shared/function"
	"irc.now/shared/outbound"
	"irc.now/shared/store"
)

// Deadlines of calls to what the portal depends on.
const (
	bouncerDeadline  = 20 * time.Second // soju tries a new network's server before it answers
	identityDeadline = 10 * time.Second
	sinkDeadline     = 10 * time.Second
)

// Function is the portal as a function. Make it with [New].
type Function struct {
	instruments function.Instruments
	database    *store.Database
	relay       *outbox.Relay // nil where there is no broker
	portal      *portal
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

// Start reads the settings from env (see [Settings]), opens the accounts database and builds the site.
// The bouncer and the identity provider may be away.
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
	p, err := newPortal(settings, dependencies{
		pool: pool, relay: f.relay, log: f.log(), identity: outbound.Client(identityDeadline), bouncer: outbound.Client(bouncerDeadline),
		cluster: cluster, leaving: f.leaving,
	})
	if err != nil {
		f.database.Close()
		return err
	}
	f.portal = p
	return f.database.Wait(ctx)
}

// openCluster gives nil where there is no cluster.
func openCluster(settings Settings) (*client.Client, error) {
	if !settings.Cluster.Configured() {
		return nil, nil //nolint:nilnil // one machine has no cluster, and that is no error
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
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) { f.portal.handler.ServeHTTP(w, r) }

// Ready reports whether pages can be made, which needs the database. The rest may be away.
func (f *Function) Ready(ctx context.Context) (bool, error) {
	return f.database.Ready(ctx)
}

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
