package ergo

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
	"irc.now/shared/config"
)

// Reconciler is the operator of ErgoNetworks.
type Reconciler struct {
	Settings
	Databases reconciler.Databases
	Outage    *reconciler.Outage // of the server that Databases are on; nil where nobody watches
	Servers   *Servers
	Log       *slog.Logger
	Version   string           // the operator's own
	Workers   int              // how many networks are worked on at a time; 0 for one
	Now       func() time.Time // nil for time.Now

	writer  *reconciler.Writer
	events  events.EventRecorder
	running *running
}

// SetupWithManager makes mgr run the operator. mgr has reconciler.Scheme, and a cache with reconciler.CacheOptions.
//
// +kubebuilder:rbac:groups=irc.now,namespace=irc-now-tenants,resources=ergonetworks,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=irc.now,namespace=irc-now-tenants,resources=ergonetworks/status,verbs=patch
// +kubebuilder:rbac:groups=irc.now,namespace=irc-now-tenants,resources=ergonetworks/finalizers,verbs=update
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("the ergo operator: %w", err)
	}
	if err := mgr.Add(&Sweeper{Client: mgr.GetClient(), Log: r.Log, Now: r.Now}); err != nil {
		return fmt.Errorf("the ergo operator: %w", err)
	}
	return r.controller(mgr.GetClient(), mgr.GetAPIReader(), mgr.GetEventRecorder(naming.FieldOwner)).Setup(mgr, naming.Ergo, max(r.Workers, 1))
}

func (r *Reconciler) controller(c client.Client, live client.Reader, recorder events.EventRecorder) *reconciler.Controller[*v1alpha1.ErgoNetwork] {
	r.writer, r.events = &reconciler.Writer{Client: c, Live: live}, recorder
	r.running = newRunning(r.Servers, r.Log)
	return &reconciler.Controller[*v1alpha1.ErgoNetwork]{
		Client: c, Events: r.events, Version: r.Version, Now: r.Now, Outage: r.Outage,
		New:   func() *v1alpha1.ErgoNetwork { return &v1alpha1.ErgoNetwork{} },
		Parts: r.parts, Finalize: r.finalize,
	}
}

// parts of one network. The workload needs the database only where history is kept there.
func (r *Reconciler) parts(_ context.Context, n *v1alpha1.ErgoNetwork) []reconciler.Part {
	n.Status.Host = r.hostOf(n)
	var uri config.Secret
	var needs []string
	if r.History == HistoryPostgreSQL {
		needs = []string{v1alpha1.DatabaseReady}
	}
	return []reconciler.Part{
		{Condition: v1alpha1.DatabaseReady, Reconcile: func(ctx context.Context) (reconciler.Done, error) {
			step := reconciler.DatabaseStep{Writer: r.writer, Databases: r.Databases, Server: r.Database, Meanwhile: r.meanwhile()}
			access, done, err := step.Reconcile(ctx, n, names(n), n.Spec.Owner)
			if r.History == HistoryPostgreSQL {
				uri = access.URI
				return done, err
			}
			done.Message += " The network does not use it: this platform's server keeps history in memory, and forgets it when it restarts. Accounts and channels are kept."
			return done, err
		}},
		{Condition: v1alpha1.CertificateReady, Reconcile: func(ctx context.Context) (reconciler.Done, error) {
			step := reconciler.CertificateStep{Writer: r.writer, Issuer: r.Issuer}
			return step.Reconcile(ctx, n, names(n), n.Spec.Owner, r.hostOf(n))
		}},
		{Condition: v1alpha1.WorkloadReady, Needs: needs, Reconcile: func(ctx context.Context) (reconciler.Done, error) {
			return r.reconcileWorkload(ctx, n, uri)
		}},
		{Condition: v1alpha1.Exposed, Reconcile: func(ctx context.Context) (reconciler.Done, error) {
			step := reconciler.ExposureStep{Writer: r.writer, Gateway: r.Gateway}
			return step.Reconcile(ctx, n, names(n), n.Spec.Owner, r.entranceFor(n))
		}},
	}
}

// meanwhile is what ergo does without its database: it needs it to start, and from then on only for history.
func (r *Reconciler) meanwhile() string {
	if r.History == HistoryPostgreSQL {
		return "If the network runs it goes on, but what is said meanwhile is not kept in its history; it does not start anew until the database is back."
	}
	return ""
}

// reconcileWorkload makes everything that the pod needs, the pod, and brings changes to a pod that runs.
func (r *Reconciler) reconcileWorkload(ctx context.Context, n *v1alpha1.ErgoNetwork, database config.Secret) (reconciler.Done, error) {
	l, err := r.reconcileLogin(ctx, n)
	if err != nil {
		return reconciler.Done{}, err
	}
	made, err := r.render(n, l, database)
	if err != nil {
		return reconciler.Done{}, reconciler.Stall(naming.Refused, fmt.Sprintf("The network cannot be set up as it is described: %s.", err), 0)
	}
	if err := r.reconcileVolume(ctx, n); err != nil {
		return reconciler.Done{}, err
	}
	for _, object := range []client.Object{
		configSecretFor(n, made), serviceFor(n), apiServiceFor(n),
		reconciler.NetworkPolicyFor(n.Namespace, names(n), n.Spec.Owner, r.reachOf()),
		reconciler.DisruptionBudgetFor(n.Namespace, names(n), n.Spec.Owner),
		r.workloadFor(n, made.start),
	} {
		if _, err := r.writer.Apply(ctx, n, object); err != nil {
			return reconciler.Done{}, err
		}
	}
	done, err := reconciler.WorkloadState(ctx, r.writer, n, names(n), reconciler.StopReason(n.Spec.Suspended, n.Spec.OverPlan))
	if err != nil {
		r.running.forget(n.UID)
		return reconciler.Done{}, err
	}
	return done, r.reload(ctx, n, made)
}

// reload brings configuration and certificate to the pod that runs.
func (r *Reconciler) reload(ctx context.Context, n *v1alpha1.ErgoNetwork, made rendered) error {
	var secret corev1.Secret
	key := client.ObjectKey{Namespace: n.Namespace, Name: names(n).Certificate()}
	if err := r.writer.Client.Get(ctx, key, &secret); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read the certificate's secret: %w", err)
	}
	shown, ok := fingerprintOf(secret.Data[corev1.TLSCertKey])
	if !ok {
		// The pod has one, or it would not run; which one that should be is not known now.
		return reconciler.Wait(naming.ConfigurationPending, "The network runs. Its certificate is being replaced.", retryLoad)
	}
	w := want{rendered: made, host: r.hostOf(n), certificate: shown}
	reloaded, err := r.running.load(ctx, n, w)
	if err != nil {
		if failed := r.nudge(ctx, n, w); failed != nil { // it would only have been quicker
			r.Log.WarnContext(ctx, "could not nudge a network's pod", slog.String("network", n.Name), slog.Any("error", failed))
		}
		return err
	}
	if reloaded {
		r.events.Eventf(n, nil, corev1.EventTypeNormal, naming.Reloaded, "Reload", "The server loaded its changed configuration or certificate; nobody was disconnected.")
	}
	return nil
}

// nudge has the kubelet bring changed Secrets to the pod's files now: a changed pod is looked at at once, and otherwise
// only every minute or so. Each change nudges once.
//
// +kubebuilder:rbac:groups="",namespace=irc-now-tenants,resources=pods,verbs=list;patch
func (r *Reconciler) nudge(ctx context.Context, n *v1alpha1.ErgoNetwork, w want) error {
	var pods corev1.PodList
	err := r.writer.Live.List(ctx, &pods, client.InNamespace(n.Namespace), client.MatchingLabels(names(n).Selector()), client.Limit(10))
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Annotations[naming.Nudge] == w.mark() || pod.DeletionTimestamp != nil {
			continue
		}
		before := pod.DeepCopy()
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[naming.Nudge] = w.mark()
		if err := r.writer.Client.Patch(ctx, pod, client.MergeFrom(before), client.FieldOwner(naming.FieldOwner)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("nudge pod %s: %w", pod.Name, err)
		}
	}
	return nil
}

// reconcileLogin keeps the owner's login as operator of the network.
func (r *Reconciler) reconcileLogin(ctx context.Context, n *v1alpha1.ErgoNetwork) (login, error) {
	data, err := r.loginData(ctx, n)
	if err != nil {
		return login{}, err
	}
	l, replaced, err := loginFrom(data, n.Spec.Owner)
	if err != nil {
		return login{}, err
	}
	if _, err := r.writer.Apply(ctx, n, loginSecretFor(n, l)); err != nil {
		return login{}, err
	}
	if replaced {
		r.events.Eventf(n, nil, corev1.EventTypeWarning, naming.PasswordReplaced, "Login",
			"The operator's password in the Secret %s could not be sent in an IRC message, so it was replaced.", names(n).OperatorSecret())
	}
	return l, nil
}

// loginData reads the Secret from the cache, and past it before a new password is made: a cache that lags behind our
// own last write must not cost a working one.
func (r *Reconciler) loginData(ctx context.Context, n *v1alpha1.ErgoNetwork) (map[string][]byte, error) {
	key := client.ObjectKey{Namespace: n.Namespace, Name: names(n).OperatorSecret()}
	var secret corev1.Secret
	for _, from := range []client.Reader{r.writer.Client, r.writer.Live} {
		if err := from.Get(ctx, key, &secret); err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read the operator's login: %w", err)
		}
		if len(secret.Data[keyPassword]) > 0 {
			break
		}
	}
	return secret.Data, nil
}

func (r *Reconciler) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
