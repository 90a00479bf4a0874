package ergo

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/background"
	"irc.now/shared/config"
	"irc.now/shared/network"
)

const (
	scrapeEvery = 30 * time.Second
	// scrapesAtOnce bounds connections, and how long networks that hang can delay the others.
	scrapesAtOnce = 16
)

// Metrics are of networks that should be up: a stopped or deleted one has none.
type Metrics struct {
	up, clients, channels, limit *prometheus.GaugeVec
}

// NewMetrics makes irc_network_up, irc_network_clients, irc_network_clients_limit and irc_network_channels, all by
// {network}.
func NewMetrics() *Metrics {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "irc", Subsystem: "network", Name: name, Help: help}, []string{"network"})
	}
	return &Metrics{
		up:       gauge("up", "Whether the network's server answered when it was last asked."),
		clients:  gauge("clients", "Clients on the network."),
		limit:    gauge("clients_limit", "How many clients may be connected to the network; 0 for no limit."),
		channels: gauge("channels", "Channels on the network."),
	}
}

func (m *Metrics) all() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{m.up, m.clients, m.limit, m.channels}
}

// Describe is prometheus.Collector's.
func (m *Metrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, gauge := range m.all() {
		gauge.Describe(descriptions)
	}
}

// Collect is prometheus.Collector's. It asks nobody: it gives what the last round found out.
func (m *Metrics) Collect(values chan<- prometheus.Metric) {
	for _, gauge := range m.all() {
		gauge.Collect(values)
	}
}

func (m *Metrics) set(name string, limit int, numbers Numbers) {
	m.up.WithLabelValues(name).Set(1)
	m.limit.WithLabelValues(name).Set(float64(limit))
	m.clients.WithLabelValues(name).Set(float64(numbers.Clients))
	m.channels.WithLabelValues(name).Set(float64(numbers.Channels))
}

// down leaves no numbers of a server that does not answer: nobody knows them.
func (m *Metrics) down(name string) {
	m.up.WithLabelValues(name).Set(0)
	m.clients.DeleteLabelValues(name)
	m.channels.DeleteLabelValues(name)
}

func (m *Metrics) forget(name string) {
	for _, gauge := range m.all() {
		gauge.DeleteLabelValues(name)
	}
}

// Scraper asks every network for its numbers from time to time. It runs beside the reconciler and never in its way.
type Scraper struct {
	Client  client.Reader
	Servers *Servers
	Key     config.Secret // tokens are derived from it
	Metrics *Metrics
	Log     *slog.Logger

	seen map[string]bool // by the goroutine of Start
}

// NeedLeaderElection keeps the series to one operator.
func (s *Scraper) NeedLeaderElection() bool { return true }

// Start scrapes until ctx ends: it is a manager's Runnable.
func (s *Scraper) Start(ctx context.Context) error {
	s.scrape(ctx)
	background.Every(ctx, scrapeEvery, s.scrape)
	return nil
}

// scrape asks all networks once, each for a bounded time.
func (s *Scraper) scrape(ctx context.Context) {
	var list v1alpha1.ErgoNetworkList
	if err := s.Client.List(ctx, &list); err != nil {
		if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "could not list the networks to measure", slog.Any("error", err))
		}
		return
	}
	present := map[string]bool{}
	slots := make(chan struct{}, scrapesAtOnce)
	var asked sync.WaitGroup
	for i := range list.Items {
		n := &list.Items[i]
		if n.Spec.Stopped() || !n.DeletionTimestamp.IsZero() {
			continue
		}
		present[n.Name] = true
		slots <- struct{}{}
		asked.Go(func() {
			defer func() { <-slots }()
			s.measure(ctx, n)
		})
	}
	asked.Wait()
	s.clean(present)
}

func (s *Scraper) measure(ctx context.Context, n *v1alpha1.ErgoNetwork) {
	numbers, err := s.Servers.Status(ctx, n, network.APIToken(s.Key, n.Name))
	if err != nil {
		s.Metrics.down(n.Name)
		return
	}
	s.Metrics.set(n.Name, int(n.Spec.Clients()), numbers)
}

// clean forgets the networks that are there no more.
func (s *Scraper) clean(present map[string]bool) {
	for name := range s.seen {
		if !present[name] {
			s.Metrics.forget(name)
		}
	}
	s.seen = present
}
