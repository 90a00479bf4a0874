package store

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// PoolCollector reports how full a database pool is, under the metric names postgres_pool_… and the label
// database.
func PoolCollector(pool *pgxpool.Pool, database string) prometheus.Collector {
	return newPoolCollector(database, pool.Stat)
}

func newPoolCollector(database string, stat func() *pgxpool.Stat) prometheus.Collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("postgres_pool_"+name, help, nil, prometheus.Labels{"database": database})
	}
	return &poolCollector{stat: stat, metrics: []poolMetric{
		{desc("connections_max", "Most connections the pool may hold."), prometheus.GaugeValue,
			func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }},
		{desc("connections", "Connections held now, idle or not."), prometheus.GaugeValue,
			func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) }},
		{desc("connections_acquired", "Connections in use now."), prometheus.GaugeValue,
			func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }},
		{desc("acquires_total", "Connections handed out."), prometheus.CounterValue,
			func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) }},
		{desc("acquires_waited_total", "Acquires that had to wait for a connection."), prometheus.CounterValue,
			func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }},
		{desc("acquires_canceled_total", "Acquires given up while waiting."), prometheus.CounterValue,
			func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) }},
		{desc("acquire_seconds_total", "Time spent acquiring."), prometheus.CounterValue,
			func(s *pgxpool.Stat) float64 { return s.AcquireDuration().Seconds() }},
	}}
}

type poolMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*pgxpool.Stat) float64
}

type poolCollector struct {
	stat    func() *pgxpool.Stat // nil before there is a pool
	metrics []poolMetric
}

func (c *poolCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		descs <- m.desc
	}
}

func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	stat := c.stat()
	if stat == nil {
		return
	}
	for _, m := range c.metrics {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(stat))
	}
}
