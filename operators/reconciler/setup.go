package reconciler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	routev1 "github.com/openshift/api/route/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	gatewayalpha "sigs.k8s.io/gateway-api/apis/v1alpha2"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
)

// Retries of one object begin after firstRetry and double up to lastRetry.
const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 2 * time.Minute
)

// Scheme knows every kind that the operators read or write.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	err := errors.Join(
		clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), certmanager.AddToScheme(scheme),
		routev1.Install(scheme), gateway.Install(scheme), gatewayalpha.Install(scheme),
	)
	if err != nil {
		return nil, fmt.Errorf("make the scheme: %w", err)
	}
	return scheme, nil
}

// CacheOptions keep in memory what is in the tenants' namespace and bears our label, and all custom resources there.
// Managed fields are kept: they say whether there is anything to write.
func CacheOptions(namespace string) cache.Options {
	everything := cache.ByObject{Label: labels.Everything()}
	return cache.Options{
		DefaultNamespaces:    map[string]cache.Config{namespace: {}},
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{naming.LabelManagedBy: naming.FieldOwner}),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.SojuBouncer{}: everything,
			&v1alpha1.ErgoNetwork{}: everything,
		},
	}
}

// optional are the kinds that a cluster may lack, and may get later.
func optional() []client.Object {
	return []client.Object{&certmanager.Certificate{}, &routev1.Route{}, &gateway.HTTPRoute{}, &gateway.TLSRoute{}, &gatewayalpha.TLSRoute{}}
}

// findOptional is how often missing kinds are looked for.
const findOptional = time.Minute

// Setup makes c reconcile its kind in mgr, workers at a time, when an object, something it owns, or its certificate's
// Secret changes. program is the value of naming.LabelName on what it owns.
//
// What a pass changes comes back as an event, so that one that finds nothing to do follows; what it makes does not.
func (c *Controller[T]) Setup(mgr ctrl.Manager, program string, workers int) error {
	changed := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{})
	build := ctrl.NewControllerManagedBy(mgr).Named(program).For(c.New(), builder.WithPredicates(changed))
	for _, kind := range []client.Object{
		&corev1.Service{}, &corev1.ConfigMap{}, &corev1.Secret{}, &networkingv1.NetworkPolicy{}, &policyv1.PodDisruptionBudget{},
		&appsv1.Deployment{},
	} {
		build = build.Owns(kind, builder.WithPredicates(notJustMade))
	}
	built, err := build.
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(instanceOf(program))).
		WatchesRawSource(c.Outage.source(mgr, c.New())).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		}).
		Build(c)
	if err != nil {
		return fmt.Errorf("set up the controller of %s: %w", program, err)
	}
	kinds := &optionalKinds{manager: mgr, controller: built, owner: c.New(), missing: optional()}
	if err := kinds.watch(); err != nil {
		return err
	}
	if err := mgr.Add(kinds); err != nil {
		return fmt.Errorf("set up the controller of %s: %w", program, err)
	}
	return nil
}

// notJustMade leaves out the making of objects, which is our own doing: a pass for each of a dozen objects would find
// nothing, and begin before the cache holds the status that the last one wrote.
var notJustMade = predicate.Funcs{CreateFunc: func(e event.CreateEvent) bool { return tells(e.Object) }}

// tells reports whether somebody has said how the object is doing, before we got to see it for the first time.
func tells(object client.Object) bool {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return o.Status.ObservedGeneration > 0
	case *certmanager.Certificate:
		return len(o.Status.Conditions) > 0
	case *routev1.Route:
		return len(o.Status.Ingress) > 0
	case *gateway.HTTPRoute:
		return len(o.Status.Parents) > 0
	case *gateway.TLSRoute:
		return len(o.Status.Parents) > 0
	case *gatewayalpha.TLSRoute:
		return len(o.Status.Parents) > 0
	}
	return false
}

// instanceOf finds whose Secret one is that cert-manager has made: that has no owner, but our labels.
func instanceOf(program string) handler.MapFunc {
	return func(_ context.Context, object client.Object) []reconcile.Request {
		l := object.GetLabels()
		if l[naming.LabelName] != program || l[naming.LabelInstance] == "" || len(object.GetOwnerReferences()) > 0 {
			return nil
		}
		return []reconcile.Request{{NamespacedName: types.NamespacedName{
			Namespace: object.GetNamespace(), Name: l[naming.LabelInstance],
		}}}
	}
}

// optionalKinds watches kinds once the API server has them.
type optionalKinds struct {
	manager    ctrl.Manager
	controller controller.Controller
	owner      client.Object
	missing    []client.Object
}

var _ manager.LeaderElectionRunnable = (*optionalKinds)(nil)

// NeedLeaderElection ties it to the controller that it watches for.
func (l *optionalKinds) NeedLeaderElection() bool { return true }

// Start looks until nothing is missing or ctx ends.
func (l *optionalKinds) Start(ctx context.Context) error {
	tick := time.NewTicker(findOptional)
	defer tick.Stop()
	for len(l.missing) > 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := l.watch(); err != nil {
			l.manager.GetLogger().Error(err, "could not watch all kinds yet")
		}
	}
	return nil
}

func (l *optionalKinds) watch() error {
	var failures []error
	l.missing = slices.DeleteFunc(l.missing, func(kind client.Object) bool {
		watched, err := l.try(kind)
		failures = append(failures, err)
		return watched
	})
	return errors.Join(failures...)
}

func (l *optionalKinds) try(kind client.Object) (bool, error) {
	gvk, err := l.manager.GetClient().GroupVersionKindFor(kind)
	if err != nil {
		return false, fmt.Errorf("watch %T: %w", kind, err)
	}
	mapper := l.manager.GetRESTMapper()
	version, err := served(mapper, gvk.GroupKind(), gvk.Version)
	if err != nil || version == "" || gvk.GroupKind() == tlsKind && !l.chosen(gvk.Version) {
		return false, err
	}
	owner := handler.EnqueueRequestForOwner(l.manager.GetScheme(), mapper, l.owner, handler.OnlyControllerOwner())
	if err := l.controller.Watch(source.Kind(l.manager.GetCache(), kind, owner, predicate.Predicate(notJustMade))); err != nil {
		return false, fmt.Errorf("watch %s: %w", gvk.Kind, err)
	}
	return true, nil
}

// chosen keeps TLSRoutes from being watched in each version that is served.
func (l *optionalKinds) chosen(version string) bool {
	first, err := served(l.manager.GetRESTMapper(), tlsKind, tlsVersions...)
	return err == nil && first == version
}
