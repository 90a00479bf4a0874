package broker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	accepted   prometheus.Counter
	deliveries *prometheus.CounterVec
	duration   *prometheus.HistogramVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "broker_events_accepted_total", Help: "Events accepted, whether a trigger takes them or not.",
		}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "broker_deliveries_total", Help: "Attempts to deliver, by trigger and what became of them.",
		}, []string{"trigger", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "broker_delivery_seconds", Help: "Time from an event's arrival to the end of its delivery.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300},
		}, []string{"trigger"}),
	}
	if registerer != nil {
		registerer.MustRegister(m.accepted, m.deliveries, m.duration)
	}
	return m
}

func (m *metrics) count(trigger string, o outcome) {
	m.deliveries.WithLabelValues(trigger, string(o.verdict)).Inc()
	if o.verdict == delivered {
		m.duration.WithLabelValues(trigger).Observe(time.Since(o.AcceptedAt).Seconds())
	}
}
