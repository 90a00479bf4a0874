// Command certmanager runs what the test cluster needs of cert-manager in one process: the controllers that make
// certificates from self-signed and CA issuers, and the injector that writes CA bundles into webhook configurations.
// cert-manager's own programs are modules that no module proxy serves, so this one is made of its public packages.
//
// It has no webhook: nothing is defaulted or validated, so whoever writes a Certificate spells issuerRef.kind and
// issuerRef.group. There is one replica and no leader election.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
)

const (
	// healthAddress serves /healthz and /readyz.
	healthAddress = ":8081"
	// workers of each controller: a test's certificates are few.
	workers = 2
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	namespace := os.Getenv("POD_NAMESPACE")
	if namespace == "" {
		log.Error("POD_NAMESPACE is missing: it says where the Secrets of ClusterIssuers are")
		os.Exit(2)
	}
	if err := run(ctrl.SetupSignalHandler(), namespace); err != nil {
		log.Error("cert-manager ended", slog.Any("error", err))
		os.Exit(1)
	}
}

// run serves until ctx ends or a controller fails.
func run(ctx context.Context, namespace string) error {
	mgr, err := newManager(ctx)
	if err != nil {
		return err
	}
	ctx = logf.NewContext(ctx, ctrl.Log)
	start, err := certificateControllers(ctx, namespace)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return mgr.Start(ctx) })
	start(ctx, group)
	return group.Wait()
}

// newManager returns a manager with the CA injector and the health checks. It reads Secrets uncached, as upstream's
// does: caching them would hold every Secret of the cluster in memory.
func newManager(ctx context.Context) (ctrl.Manager, error) {
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme, certmanager.AddToScheme,
	} {
		if err := add(types); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	// The injector owns the fields that it writes under the name it is known by.
	config = util.RestConfigWithUserAgent(config, "cainjector")
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 types,
		HealthProbeBindAddress: healthAddress,
		Metrics:                metricsserver.Options{BindAddress: "0"},
		Client:                 client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
	})
	if err != nil {
		return nil, fmt.Errorf("making the injector's manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	err = cainjector.RegisterAllInjectors(ctx, mgr, cainjector.SetupOptions{
		EnableCertificatesDataSource: true,
		EnabledReconcilersFor: map[string]bool{
			cainjector.MutatingWebhookConfigurationName:   true,
			cainjector.ValidatingWebhookConfigurationName: true,
			cainjector.CustomResourceDefinitionName:       true,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("registering the injectors: %w", err)
	}
	return mgr, nil
}

// certificateControllers builds every controller that the imports above registered. The function it returns starts the
// informers and runs the controllers in group.
func certificateControllers(ctx context.Context, namespace string) (func(context.Context, *errgroup.Group), error) {
	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		KubernetesAPIQPS:   100,
		KubernetesAPIBurst: 200,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: namespace},
		CertificateOptions: controller.CertificateOptions{
			CertificateRequestMinimumBackoffDuration: time.Second,
			CertificateRequestMaximumBackoffDuration: time.Minute,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("making the controllers' context: %w", err)
	}
	shared, err := factory.Build()
	if err != nil {
		return nil, fmt.Errorf("making the shared context: %w", err)
	}
	controllers := map[string]controller.Interface{}
	for name, build := range controller.Known() {
		if controllers[name], err = build(factory); err != nil {
			return nil, fmt.Errorf("making controller %s: %w", name, err)
		}
	}
	start := func(ctx context.Context, group *errgroup.Group) {
		shared.SharedInformerFactory.Start(ctx.Done())
		shared.KubeSharedInformerFactory.Start(ctx.Done())
		for name, c := range controllers {
			group.Go(func() error {
				if err := c.Run(workers, ctx); err != nil {
					return fmt.Errorf("controller %s: %w", name, err)
				}
				return nil
			})
		}
	}
	return start, nil
}
