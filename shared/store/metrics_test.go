package store_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"irc.now/shared/store"
)

func TestPoolCollector(t *testing.T) {
	// A pool connects when it is first used, so no server is needed for its figures.
	pool := open(t, "postgres://127.0.0.1:1/accounts?pool_max_conns=7")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(store.PoolCollector(pool, "accounts"))
	want := `
# HELP postgres_pool_connections_max Most connections the pool may hold.
# TYPE postgres_pool_connections_max gauge
postgres_pool_connections_max{database="accounts"} 7
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "postgres_pool_connections_max"); err != nil {
		t.Error(err)
	}
}
