package reconciler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
)

// Object is a custom resource of ours.
type Object interface {
	client.Object
	GetStatus() *v1alpha1.Status
}

// longestPart is how long a part, or putting aside what is outside the cluster, may take.
const longestPart = time.Minute

// Part is the share of a reconciliation that one condition is about.
type Part struct {
	Condition string // its type, such as v1alpha1.DatabaseReady
	// Needs are the conditions that have to be true in this pass before the part is tried.
	Needs []string
	// Reconcile does the work. It returns Done, or a [Wait], [Stall] or [Off], or any other error, which is retried.
	Reconcile func(ctx context.Context) (Done, error)
}

// Controller reconciles one kind, in this order: get; if it is being deleted, Finalize and drop the finalizer; put the
// finalizer on before anything outside the cluster exists; run all parts; write the status once, if it changed.
//
// Parts after a failed one still run, unless they need it, so that the owner learns everything that is missing at once.
type Controller[T Object] struct {
	Client client.Client
	Events events.EventRecorder
	// Version is the operator's own, kept in the status. An object whose status was written by a newer one is left as it
	// is. Versions that are not semantic ("dev") are never older or newer.
	Version string
	// New makes an empty object.
	New func() T
	// Parts are the object's, in order; the last steps of a reconciliation may rely on what the first have made. It may
	// set what else is in the object's status.
	Parts func(ctx context.Context, object T) []Part
	// Finalize puts aside what is outside the cluster. It must be safe to repeat.
	Finalize func(ctx context.Context, object T) error
	// Outage tells of a database server that goes away; nil where nobody watches.
	Outage *Outage
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Patience is how long each part and Finalize may take, 0 for a minute. Without an end to it, a server that takes
	// connections and never answers would stop all workers one by one.
	Patience time.Duration
}

// Reconcile brings the object to what its spec says, as far as that is possible now.
func (c *Controller[T]) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	object := c.New()
	if err := c.Client.Get(ctx, request.NamespacedName, object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !object.GetDeletionTimestamp().IsZero() {
		return ctrl.Result{}, c.finalize(ctx, object)
	}
	if err := c.addFinalizer(ctx, object); err != nil {
		return ctrl.Result{}, err
	}
	before, ok := object.DeepCopyObject().(T)
	if !ok {
		return ctrl.Result{}, fmt.Errorf("copy %T", object)
	}
	pass := c.begin(object)
	defer func() {
		pass.summarise()
		stale, failed := c.patch(ctx, before, object)
		if stale {
			result = ctrl.Result{RequeueAfter: firstRetry}
		}
		if err = errors.Join(err, failed); err != nil {
			result = ctrl.Result{}
		}
	}()
	if pass.newer(c.Version) {
		return ctrl.Result{}, nil
	}
	return c.run(ctx, pass, object)
}

func (c *Controller[T]) run(ctx context.Context, pass *pass, object T) (ctrl.Result, error) {
	var failures []error
	for _, part := range c.Parts(ctx, object) {
		if missing := pass.missing(part.Needs); missing != "" {
			pass.waitsFor(part.Condition, missing)
			continue
		}
		done, err := c.try(ctx, part)
		if pass.record(part.Condition, done, err) {
			failures = append(failures, fmt.Errorf("%s: %w", part.Condition, err))
		}
	}
	if len(failures) > 0 {
		return ctrl.Result{}, errors.Join(failures...) // which is tried again anyhow
	}
	return ctrl.Result{RequeueAfter: pass.again}, nil
}

func (c *Controller[T]) try(ctx context.Context, part Part) (Done, error) {
	ctx, cancel := c.patient(ctx)
	defer cancel()
	return part.Reconcile(ctx)
}

func (c *Controller[T]) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(c.Patience, longestPart))
}

func (c *Controller[T]) putAside(ctx context.Context, object T) error {
	ctx, cancel := c.patient(ctx)
	defer cancel()
	return c.Finalize(ctx, object)
}

func (c *Controller[T]) finalize(ctx context.Context, object T) error {
	if !controllerutil.ContainsFinalizer(object, naming.Finalizer) {
		return nil
	}
	if err := c.putAside(ctx, object); err != nil {
		return errors.Join(fmt.Errorf("finalize: %w", err), c.sayItStays(ctx, object))
	}
	c.Events.Eventf(object, nil, "Normal", naming.DatabaseBuried, "Finalize", "The database is put aside, for as long as the operator is told to keep it.")
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("copy %T", object)
	}
	controllerutil.RemoveFinalizer(object, naming.Finalizer)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Client.Patch(ctx, object, patch); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("drop the finalizer: %w", err)
	}
	return nil
}

// sayItStays tells why a deleted object is still there. It can be for long, and events are forgotten after an hour.
func (c *Controller[T]) sayItStays(ctx context.Context, object T) error {
	before, ok := object.DeepCopyObject().(T)
	if !ok {
		return fmt.Errorf("copy %T", object)
	}
	c.begin(object).set(v1alpha1.Ready, metav1.ConditionFalse, naming.Failed,
		"It is not deleted yet, because its database could not be put aside; the operator tries again.")
	_, err := c.patch(ctx, before, object)
	return err
}

func (c *Controller[T]) addFinalizer(ctx context.Context, object T) error {
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("copy %T", object)
	}
	if !controllerutil.AddFinalizer(object, naming.Finalizer) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Client.Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("add the finalizer: %w", err)
	}
	return nil
}
