package reconciler

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"irc.now/operators/naming"
)

// How long until a name that somebody else holds is tried again: foreign objects are not watched.
const (
	retryForeign = time.Minute
	retryRemoved = 5 * time.Second
)

// Writer writes the objects that custom resources own. It is safe for concurrent use.
//
// +kubebuilder:rbac:groups="",namespace=irc-now-tenants,resources=configmaps;secrets;services,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",namespace=irc-now-tenants,resources=pods,verbs=list
// +kubebuilder:rbac:groups=apps,namespace=irc-now-tenants,resources=deployments,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=networking.k8s.io,namespace=irc-now-tenants,resources=networkpolicies,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=policy,namespace=irc-now-tenants,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=cert-manager.io,namespace=irc-now-tenants,resources=certificates,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,namespace=irc-now-tenants,resources=httproutes;tlsroutes,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=route.openshift.io,namespace=irc-now-tenants,resources=routes,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=route.openshift.io,namespace=irc-now-tenants,resources=routes/custom-host,verbs=create
// +kubebuilder:rbac:groups=events.k8s.io,namespace=irc-now-tenants,resources=events,verbs=create;patch
type Writer struct {
	// Client reads from the cache, which holds only what is labelled as ours, and writes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader

	lacking lacking
}

// Apply makes want exist as it is, by server-side apply, with owner as its controller. want is a typed or unstructured
// object with name, namespace and naming's labels, built anew for the call: it holds the present object afterwards only
// where written is true. Nothing is sent when that would change nothing.
//
// The error is a [Wait] with reason NotOurs where the name belongs to somebody else.
func (w *Writer) Apply(ctx context.Context, owner, want client.Object) (written bool, err error) {
	desired, err := w.desired(owner, want)
	if err != nil {
		return false, err
	}
	live, err := w.read(ctx, w.Client, desired)
	switch {
	case apierrors.IsNotFound(err):
		return true, w.create(ctx, owner, desired)
	case err != nil:
		return false, fmt.Errorf("read %s: %w", describe(desired), err)
	case !ownedBy(live, owner):
		return false, foreign(live, owner)
	case upToDate(desired, live):
		return false, nil
	}
	return true, w.write(ctx, desired, client.ForceOwnership)
}

// Delete removes object where it exists and belongs to owner.
func (w *Writer) Delete(ctx context.Context, owner, object client.Object) error {
	name, err := w.desired(owner, object)
	if err != nil {
		return err
	}
	live, err := w.read(ctx, w.Client, name)
	if apierrors.IsNotFound(err) || err == nil && (!ownedBy(live, owner) || live.GetDeletionTimestamp() != nil) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", describe(name), err)
	}
	uid := live.GetUID()
	if err := w.Client.Delete(ctx, live, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s: %w", describe(name), err)
	}
	return nil
}

// create applies without force, so that an object which the cache does not show because it is not ours is never taken
// over: where its fields differ there is a conflict.
func (w *Writer) create(ctx context.Context, owner client.Object, desired *unstructured.Unstructured) error {
	err := w.write(ctx, desired.DeepCopy())
	if !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
		return err
	}
	live, readErr := w.read(ctx, w.Live, desired)
	switch {
	case apierrors.IsNotFound(readErr):
		return err
	case readErr != nil:
		return fmt.Errorf("read %s: %w", describe(desired), readErr)
	case !ownedBy(live, owner):
		return foreign(live, owner)
	}
	return w.write(ctx, desired, client.ForceOwnership)
}

func (w *Writer) write(ctx context.Context, desired *unstructured.Unstructured, options ...client.ApplyOption) error {
	options = append(options, client.FieldOwner(naming.FieldOwner))
	if err := w.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), options...); err != nil {
		return fmt.Errorf("apply %s: %w", describe(desired), err)
	}
	return nil
}

// read gets the present object through its Go type, so that the cache holds each kind once.
func (w *Writer) read(ctx context.Context, from client.Reader, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	typed, err := w.typed(desired.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if err := from.Get(ctx, client.ObjectKeyFromObject(desired), typed); err != nil {
		return nil, err
	}
	return w.unstructured(typed)
}

func (w *Writer) typed(kind schema.GroupVersionKind) (client.Object, error) {
	made, err := w.Client.Scheme().New(kind)
	if err != nil {
		return nil, fmt.Errorf("make an object: %w", err)
	}
	object, ok := made.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s is no object", kind)
	}
	return object, nil
}

// desired is want as it is sent: with its owner, without what only the server writes.
func (w *Writer) desired(owner, want client.Object) (*unstructured.Unstructured, error) {
	object, ok := want.DeepCopyObject().(client.Object)
	if !ok {
		return nil, fmt.Errorf("%T is no object", want)
	}
	if err := controllerutil.SetControllerReference(owner, object, w.Client.Scheme()); err != nil {
		return nil, fmt.Errorf("own %s: %w", want.GetName(), err)
	}
	u, err := w.unstructured(object)
	if err != nil {
		return nil, err
	}
	delete(u.Object, "status")
	prune(u.Object)
	return u, nil
}

func (w *Writer) unstructured(object client.Object) (*unstructured.Unstructured, error) {
	if u, ok := object.(*unstructured.Unstructured); ok {
		return u, nil
	}
	kind, err := w.kindOf(object)
	if err != nil {
		return nil, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("convert %s %s: %w", kind.Kind, object.GetName(), err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(kind)
	return u, nil
}

// kindOf is what the object says of itself, as a route does that is the same in two versions; else what its type is.
func (w *Writer) kindOf(object client.Object) (schema.GroupVersionKind, error) {
	if said := object.GetObjectKind().GroupVersionKind(); !said.Empty() {
		return said, nil
	}
	kind, err := apiutil.GVKForObject(object, w.Client.Scheme())
	if err != nil {
		return kind, fmt.Errorf("find an object's kind: %w", err)
	}
	return kind, nil
}

// prune takes out the nulls that Go's types make of times that are not set.
func prune(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if inner == nil {
				delete(value, key)
				continue
			}
			prune(inner)
		}
	case []any:
		for _, inner := range value {
			prune(inner)
		}
	}
}

func ownedBy(live, owner client.Object) bool {
	for _, reference := range live.GetOwnerReferences() {
		if reference.UID == owner.GetUID() {
			return true
		}
	}
	return false
}

// foreign tells what belongs to others from what an owner of the same name has left, which goes by itself.
func foreign(live *unstructured.Unstructured, owner client.Object) error {
	if controller := metav1.GetControllerOf(live); controller != nil && controller.Name == owner.GetName() {
		return Wait(naming.BeingRemoved, fmt.Sprintf(
			"The %s %s of the one that had this name before is still being removed.", live.GetKind(), live.GetName()), retryRemoved)
	}
	return Wait(naming.NotOurs, fmt.Sprintf(
		"There is a %s called %s already that does not belong to this object. It is left alone; delete or rename it.",
		live.GetKind(), live.GetName()), retryForeign)
}

func describe(object *unstructured.Unstructured) string {
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
