package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"irc.now/operators/ergo"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
	"irc.now/operators/soju"
	"irc.now/shared/store"
)

const (
	// leaseName is what operators of all versions compete for.
	leaseName = "irc-now-operator"
	// stopTime is for reconciliations under way, when the program is told to stop.
	stopTime = 20 * time.Second
	// readyTime is how long a readiness probe may wait for the cache.
	readyTime = time.Second
)

// program is one run of the operators.
type program struct {
	settings settings
	version  string
	log      *slog.Logger
	// edit changes the manager's options, in tests.
	edit func(*manager.Options)
}

// run reconciles until ctx ends.
func (p *program) run(ctx context.Context, cluster *rest.Config) error {
	ctrl.SetLogger(logr.FromSlogHandler(p.log.Handler()))
	klog.SetSlogLogger(p.log)
	if err := p.awaitServer(ctx, cluster); ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop while it waited
	} else if err != nil {
		return err
	}
	pool, err := store.Open(context.WithoutCancel(ctx), p.settings.DatabaseAdminURL.Reveal()) // it outlives the signal
	if err != nil {
		return err
	}
	defer pool.Close()
	mgr, err := p.manager(cluster)
	if err != nil {
		return err
	}
	outage := &reconciler.Outage{Ping: pool.Ping}
	if err := mgr.Add(outage); err != nil {
		return fmt.Errorf("watch the database server: %w", err)
	}
	measured := []prometheus.Collector{store.PoolCollector(pool, "tenants")}
	if p.settings.runs(naming.Ergo) {
		network, err := p.addErgo(mgr, pool, outage)
		if err != nil {
			return err
		}
		measured = append(measured, network)
	}
	if p.settings.runs(naming.Soju) {
		if err := p.addSoju(mgr, pool, outage); err != nil {
			return err
		}
	}
	unregister, err := register(measured)
	if err != nil {
		return err
	}
	defer unregister()
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("run the operators: %w", err)
	}
	return nil
}

func (p *program) manager(cluster *rest.Config) (manager.Manager, error) {
	scheme, err := reconciler.Scheme()
	if err != nil {
		return nil, err
	}
	cluster = rest.CopyConfig(cluster)
	cluster.QPS = -1 // the API server's own fairness says how much is too much
	cluster.UserAgent = "irc-now-operator/" + p.version
	stop := stopTime
	options := manager.Options{
		Scheme: scheme, Cache: reconciler.CacheOptions(p.settings.TenantNamespace),
		LeaderElection: true, LeaderElectionID: leaseName, LeaderElectionNamespace: p.settings.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // run returns right after
		Metrics:                       metricsserver.Options{BindAddress: p.settings.MetricsAddress},
		HealthProbeBindAddress:        p.settings.HealthAddress,
		GracefulShutdownTimeout:       &stop,
	}
	if p.edit != nil {
		p.edit(&options)
	}
	mgr, err := ctrl.NewManager(cluster, options)
	if err != nil {
		return nil, fmt.Errorf("prepare the operators: %w", err)
	}
	return mgr, errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("cache", cached(mgr)))
}

// cached reports whether what is watched has been read once.
func cached(mgr manager.Manager) healthz.Checker {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), readyTime)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the cluster's objects have not been read yet")
		}
		return nil
	}
}

func (p *program) addErgo(mgr manager.Manager, pool *pgxpool.Pool, outage *reconciler.Outage) (prometheus.Collector, error) {
	s, err := p.settings.ergo()
	if err != nil {
		return nil, err
	}
	log := p.log.With(slog.String("controller", naming.Ergo))
	servers := ergo.NewServers()
	r := &ergo.Reconciler{
		Settings: s, Databases: p.tenants(pool), Outage: outage, Servers: servers, Log: log,
		Version: p.acting(), Workers: p.settings.Workers,
	}
	if err := r.SetupWithManager(mgr); err != nil {
		return nil, err
	}
	measures := ergo.NewMetrics()
	scraper := &ergo.Scraper{Client: mgr.GetClient(), Servers: servers, Key: s.PlatformKey, Metrics: measures, Log: log}
	if err := mgr.Add(scraper); err != nil {
		return nil, fmt.Errorf("measure networks: %w", err)
	}
	return measures, p.addSweep(mgr, pool)
}

func (p *program) addSoju(mgr manager.Manager, pool *pgxpool.Pool, outage *reconciler.Outage) error {
	r := &soju.Reconciler{
		Settings: p.settings.soju(), Databases: p.tenants(pool), Outage: outage,
		Version: p.acting(), Workers: p.settings.Workers,
	}
	if err := r.SetupWithManager(mgr); err != nil {
		return err
	}
	if p.settings.runs(naming.Ergo) {
		return nil // the sweep is for both kinds
	}
	return p.addSweep(mgr, pool)
}

// acting is the version that the status is compared with. An empty one is not semantic, so it is older than none.
func (p *program) acting() string {
	if p.settings.AllowDowngrade {
		return ""
	}
	return p.version
}

func (p *program) tenants(pool *pgxpool.Pool) *reconciler.Tenants {
	return &reconciler.Tenants{Admin: pool, Retention: p.settings.DatabaseRetention, Log: p.log}
}

// addSweep drops databases whose time is over.
func (p *program) addSweep(mgr manager.Manager, pool *pgxpool.Pool) error {
	if err := mgr.Add(p.tenants(pool)); err != nil {
		return fmt.Errorf("sweep databases: %w", err)
	}
	return nil
}

// register adds collectors to what METRICS_ADDRESS serves. The registry is the process's, so they are taken out again.
func register(collectors []prometheus.Collector) (unregister func(), err error) {
	var done []prometheus.Collector
	unregister = func() {
		for _, c := range done {
			metrics.Registry.Unregister(c)
		}
	}
	for _, c := range collectors {
		if err := metrics.Registry.Register(c); err != nil {
			unregister()
			return nil, fmt.Errorf("register metrics: %w", err)
		}
		done = append(done, c)
	}
	return unregister, nil
}
