package admission

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/store"
)

// database is the accounts database, opened and brought up to date by the first decision that finds it there.
type database struct {
	url     config.Secret
	metrics prometheus.Registerer

	turn     chan struct{} // held by who opens or looks; a channel, so that waiting for it can be given up
	pool     *pgxpool.Pool
	accounts *account.Store // nil until opened
}

func newDatabase(url config.Secret, metrics prometheus.Registerer) *database {
	return &database{url: url, metrics: metrics, turn: make(chan struct{}, 1)}
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
	pool, err := account.Open(ctx, d.url.Reveal())
	if err != nil {
		return nil, store.Fault(err)
	}
	d.pool, d.accounts = pool, account.NewStore(pool)
	d.metrics.MustRegister(store.PoolCollector(pool, "accounts"))
	return d.accounts, nil
}

func (d *database) close() {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	if d.pool != nil {
		d.pool.Close()
	}
}
