package front

import "github.com/prometheus/client_golang/prometheus"

// metrics are what the front tells of itself. No label has an address or a user in it.
type metrics struct {
	refusals *prometheus.CounterVec
	waiting  prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer, g *gate) *metrics {
	m := &metrics{
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "front_refusals_total", Help: "Connections that were refused or ended by a bound, by reason.",
		}, []string{"reason"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "front_waiting_lines", Help: "Lines of clients that wait for their turn.",
		}),
	}
	registry.MustRegister(m.refusals, m.waiting,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "front_connections", Help: "Open connections of IRC clients."},
			func() float64 { open, _ := g.counted(); return float64(open) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "front_strangers", Help: "Open connections that have not signed in."},
			func() float64 { _, strangers := g.counted(); return float64(strangers) }),
	)
	return m
}

func (m *metrics) refused(reason string) { m.refusals.WithLabelValues(reason).Inc() }
