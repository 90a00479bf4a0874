package operator

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
	"irc.now/shared/config"
	"irc.now/shared/program"
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

// operator is one run.
type operator struct {
	*program.Process
	settings settings
	// edit changes the manager's options, in tests.
	edit func(*manager.Options)
}

// Program is the operator. What is no semantic version is never older or newer than another.
func Program(version string) program.Program {
	return program.Program{
		Name: "operator", Version: version, Run: run, InternalAddress: ":9095",
		Registry: metrics.Registry, // controller-runtime's, which knows the process's own
	}
}

func run(ctx context.Context, p *program.Process) error {
	o := &operator{Process: p}
	if err := config.Load(p.Env, &o.settings); err != nil {
		return err
	}
	if err := o.settings.findNameservers(resolverFile); err != nil {
		return err
	}
	cluster, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	p.Log.InfoContext(ctx, "reconciling", slog.Any("controllers", o.settings.Controllers))
	return o.run(ctx, cluster)
}

// run reconciles until ctx ends.
func (o *operator) run(ctx context.Context, cluster *rest.Config) error {
	ctrl.SetLogger(logr.FromSlogHandler(o.Log.Handler()))
	klog.SetSlogLogger(o.Log)
	if err := o.awaitServer(ctx, cluster); ctx.Err() != nil {
		return nil // told to stop while it waited
	} else if err != nil {
		return err
	}
	pool, err := store.Open(context.WithoutCancel(ctx), o.settings.DatabaseAdminURL.Reveal()) // it outlives the signal
	if err != nil {
		return err
	}
	defer pool.Close()
	mgr, err := o.manager(cluster)
	if err != nil {
		return err
	}
	outage := &reconciler.Outage{Ping: pool.Ping}
	if err := mgr.Add(outage); err != nil {
		return fmt.Errorf("watch the database server: %w", err)
	}
	measured := []prometheus.Collector{store.PoolCollector(pool, "tenants")}
	if o.settings.runs(naming.Ergo) {
		network, err := o.addErgo(mgr, pool, outage)
		if err != nil {
			return err
		}
		measured = append(measured, network)
	}
	if o.settings.runs(naming.Soju) {
		if err := o.addSoju(mgr, pool, outage); err != nil {
			return err
		}
	}
	for _, collector := range measured {
		if err := o.Metrics.Register(collector); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	o.Report(health{mgr})
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("run the operators: %w", err)
	}
	return nil
}

func (o *operator) manager(cluster *rest.Config) (manager.Manager, error) {
	scheme, err := reconciler.Scheme()
	if err != nil {
		return nil, err
	}
	cluster = rest.CopyConfig(cluster)
	cluster.QPS = -1 // the API server's own fairness says how much is too much
	cluster.UserAgent = "irc-now-operator/" + o.Build.Version
	stop := stopTime
	options := manager.Options{
		Scheme: scheme, Cache: reconciler.CacheOptions(o.settings.TenantNamespace),
		LeaderElection: true, LeaderElectionID: leaseName, LeaderElectionNamespace: o.settings.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,                                    // run returns right after
		Metrics:                       metricsserver.Options{BindAddress: "0"}, // package program serves them
		HealthProbeBindAddress:        o.settings.HealthAddress,
		GracefulShutdownTimeout:       &stop,
	}
	if o.edit != nil {
		o.edit(&options)
	}
	mgr, err := ctrl.NewManager(cluster, options)
	if err != nil {
		return nil, fmt.Errorf("prepare the operators: %w", err)
	}
	return mgr, errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("cache", health{mgr}.check))
}

// health is ready when what is watched has been read once.
type health struct{ mgr manager.Manager }

// Alive is true: the process answers.
func (h health) Alive(context.Context) (bool, error) { return true, nil }

// Ready waits for the cache, for a moment.
func (h health) Ready(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	return h.mgr.GetCache().WaitForCacheSync(ctx), nil
}

func (h health) check(request *http.Request) error {
	if ready, _ := h.Ready(request.Context()); !ready {
		return errors.New("the cluster's objects have not been read yet")
	}
	return nil
}

func (o *operator) addErgo(mgr manager.Manager, pool *pgxpool.Pool, outage *reconciler.Outage) (prometheus.Collector, error) {
	s, err := o.settings.ergo()
	if err != nil {
		return nil, err
	}
	log := o.Log.With(slog.String("controller", naming.Ergo))
	servers := ergo.NewServers()
	r := &ergo.Reconciler{
		Settings: s, Databases: o.tenants(pool), Outage: outage, Servers: servers, Log: log,
		Version: o.acting(), Workers: o.settings.Workers,
	}
	if err := r.SetupWithManager(mgr); err != nil {
		return nil, err
	}
	measures := ergo.NewMetrics()
	scraper := &ergo.Scraper{Client: mgr.GetClient(), Servers: servers, Key: s.Key, Metrics: measures, Log: log}
	if err := mgr.Add(scraper); err != nil {
		return nil, fmt.Errorf("measure networks: %w", err)
	}
	return measures, o.addSweep(mgr, pool)
}

func (o *operator) addSoju(mgr manager.Manager, pool *pgxpool.Pool, outage *reconciler.Outage) error {
	r := &soju.Reconciler{
		Settings: o.settings.soju(), Databases: o.tenants(pool), Outage: outage,
		Version: o.acting(), Workers: o.settings.Workers,
	}
	if err := r.SetupWithManager(mgr); err != nil {
		return err
	}
	if o.settings.runs(naming.Ergo) {
		return nil // the sweep is for both kinds
	}
	return o.addSweep(mgr, pool)
}

// acting is the version that the status is compared with. An empty one is not semantic, so it is older than none.
func (o *operator) acting() string {
	if o.settings.AllowDowngrade {
		return ""
	}
	return o.Build.Version
}

func (o *operator) tenants(pool *pgxpool.Pool) *reconciler.Tenants {
	return &reconciler.Tenants{Admin: pool, Retention: o.settings.DatabaseRetention, Log: o.Log}
}

// addSweep drops databases whose time is over.
func (o *operator) addSweep(mgr manager.Manager, pool *pgxpool.Pool) error {
	if err := mgr.Add(o.tenants(pool)); err != nil {
		return fmt.Errorf("sweep databases: %w", err)
	}
	return nil
}
