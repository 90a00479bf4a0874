package soju

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
)

// Reconciler is the operator of SojuBouncers.
type Reconciler struct {
	Settings  Settings
	Databases reconciler.Databases
	Outage    *reconciler.Outage // of the server that Databases are on; nil where nobody watches
	// Version is the operator's own.
	Version string
	// Workers is how many bouncers are worked on at a time; 0 for one.
	Workers int

	writer *reconciler.Writer
}

// SetupWithManager makes mgr run the operator. mgr has reconciler.Scheme, and a cache with reconciler.CacheOptions.
//
// +kubebuilder:rbac:groups=irc.now,namespace=irc-now-tenants,resources=sojubouncers,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=irc.now,namespace=irc-now-tenants,resources=sojubouncers/status,verbs=patch
// +kubebuilder:rbac:groups=irc.now,namespace=irc-now-tenants,resources=sojubouncers/finalizers,verbs=update
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := r.Settings.Validate(); err != nil {
		return fmt.Errorf("the soju operator: %w", err)
	}
	c := r.controller(mgr.GetClient(), mgr.GetAPIReader(), mgr.GetEventRecorder(naming.FieldOwner))
	return c.Setup(mgr, naming.Soju, max(r.Workers, 1))
}

func (r *Reconciler) controller(c client.Client, live client.Reader, recorder events.EventRecorder) *reconciler.Controller[*v1alpha1.SojuBouncer] {
	r.writer = &reconciler.Writer{Client: c, Live: live}
	return &reconciler.Controller[*v1alpha1.SojuBouncer]{
		Client: c, Events: recorder, Version: r.Version, Outage: r.Outage,
		New:   func() *v1alpha1.SojuBouncer { return &v1alpha1.SojuBouncer{} },
		Parts: r.parts, Finalize: r.finalize,
	}
}

// parts are in the order in which a bouncer comes up. Only the pod needs another's result; the certificate and the way
// from outside are asked for at once.
func (r *Reconciler) parts(_ context.Context, b *v1alpha1.SojuBouncer) []reconciler.Part {
	b.Status.Host = hostOf(b, r.Settings)
	var access reconciler.Access
	return []reconciler.Part{
		{Condition: v1alpha1.DatabaseReady, Reconcile: func(ctx context.Context) (done reconciler.Done, err error) {
			step := reconciler.DatabaseStep{Writer: r.writer, Databases: r.Databases, Server: r.Settings.Database}
			access, done, err = step.Reconcile(ctx, b, naming.Bouncer(b.Name), b.Spec.Owner)
			return done, err
		}},
		{Condition: v1alpha1.CertificateReady, Reconcile: func(ctx context.Context) (reconciler.Done, error) {
			step := reconciler.CertificateStep{Writer: r.writer, Issuer: r.Settings.Issuer}
			return step.Reconcile(ctx, b, naming.Bouncer(b.Name), b.Spec.Owner, hostOf(b, r.Settings))
		}},
		{
			Condition: v1alpha1.WorkloadReady, Needs: []string{v1alpha1.DatabaseReady},
			Reconcile: func(ctx context.Context) (reconciler.Done, error) { return r.reconcileWorkload(ctx, b, access) },
		},
		{Condition: v1alpha1.Exposed, Reconcile: func(ctx context.Context) (reconciler.Done, error) { return r.reconcileExposure(ctx, b) }},
	}
}

func (r *Reconciler) reconcileWorkload(ctx context.Context, b *v1alpha1.SojuBouncer, access reconciler.Access) (reconciler.Done, error) {
	objects, err := workloadFor(b, r.Settings, access)
	if err != nil {
		return reconciler.Done{}, err
	}
	for _, object := range objects {
		if _, err := r.writer.Apply(ctx, b, object); err != nil {
			return reconciler.Done{}, err
		}
	}
	return reconciler.WorkloadState(ctx, r.writer, b, naming.Bouncer(b.Name), reconciler.StopReason(b.Spec.Suspended, b.Spec.OverPlan))
}

// workloadFor is everything around the pod, and the pod last.
func workloadFor(b *v1alpha1.SojuBouncer, s Settings, access reconciler.Access) ([]client.Object, error) {
	configuration, err := configFor(b, s, access)
	if err != nil {
		return nil, err
	}
	secret := configSecretFor(b, s, configuration)
	objects := []client.Object{secret}
	var chat *corev1.ConfigMap
	if !shared(b) {
		if chat, err = chatConfigMapFor(b, s); err != nil {
			return nil, err
		}
		objects = append(objects, chat)
	}
	names := naming.Bouncer(b.Name)
	return append(objects,
		serviceFor(b), adminServiceFor(b),
		reconciler.NetworkPolicyFor(b.Namespace, names, b.Spec.Owner, reachOf(b, s)),
		reconciler.DisruptionBudgetFor(b.Namespace, names, b.Spec.Owner),
		deploymentFor(b, s, checksumOf(secret, access, chat)),
	), nil
}

// reachOf: the shared bouncer's WebSocket is the platform's web chat's alone.
func reachOf(b *v1alpha1.SojuBouncer, s Settings) reconciler.Reach {
	reach := reconciler.Reach{Public: []int32{portIRC, portChat}, Private: []int32{portAdmin, portFront}, Platform: s.Platform, Internet: true, Resolver: s.Resolver}
	if shared(b) {
		reach.Public, reach.Private = []int32{portIRC}, []int32{portAdmin, portFront, portSocket}
	}
	return reach
}

func (r *Reconciler) reconcileExposure(ctx context.Context, b *v1alpha1.SojuBouncer) (reconciler.Done, error) {
	if shared(b) {
		return reconciler.Done{
			Reason: naming.InternalOnly,
			Message: "IRC clients reach the shared bouncer at " + hostOf(b, r.Settings) +
				", and the platform's web chat does; both ways in are the platform's own, so the operator makes none.",
		}, nil
	}
	step := reconciler.ExposureStep{Writer: r.writer, Gateway: r.Settings.Gateway}
	return step.Reconcile(ctx, b, naming.Bouncer(b.Name), b.Spec.Owner, reconciler.Entrance{
		Host: hostOf(b, r.Settings), IRC: portIRC, Web: portChat,
		IRCSection: r.Settings.IRCSection, WebSection: r.Settings.WebSection,
	})
}

// finalize puts the database aside and removes what would be left: nobody owns the Secret of a certificate. The rest of
// what is in the cluster goes with its owner.
func (r *Reconciler) finalize(ctx context.Context, b *v1alpha1.SojuBouncer) error {
	certificate := reconciler.CertificateStep{Writer: r.writer, Issuer: r.Settings.Issuer}
	if err := certificate.Remove(ctx, b, naming.Bouncer(b.Name), b.Spec.Owner, hostOf(b, r.Settings)); err != nil {
		return err
	}
	return r.Databases.Bury(ctx, naming.Bouncer(b.Name).Database(), string(b.GetUID()))
}
