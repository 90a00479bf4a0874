package admission

import (
	"context"
	"fmt"

	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/store"
)

// Grants are what the function does in the accounts database: it writes claims alone.
var Grants = []store.Grant{
	{Table: "account", May: "SELECT"},
	{Table: "claim", May: "SELECT, INSERT, UPDATE (expires_at), DELETE"},
}

// database is the accounts database, opened by the first decision that finds it there and up to date.
type database struct {
	*store.Database

	url      config.Secret
	turn     chan struct{}  // held by who opens or closes; a channel, so that waiting for it can be given up
	accounts *account.Store // nil until opened
}

func newDatabase() *database {
	return &database{Database: store.NewDatabase("accounts", account.Migrations), turn: make(chan struct{}, 1)}
}

// open gives the accounts; Unavailable where they cannot be had within ctx.
func (d *database) open(ctx context.Context) (*account.Store, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, store.Fault(fmt.Errorf("open accounts: %w", ctx.Err()))
	}
	if d.accounts != nil {
		return d.accounts, nil
	}
	if err := d.Open(ctx, d.url); err != nil {
		return nil, store.Fault(err)
	}
	if err := d.Wait(ctx); err != nil {
		return nil, store.Fault(err)
	}
	d.accounts = account.NewStore(d.Pool)
	return d.accounts, nil
}

func (d *database) close() {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	d.Close()
}
