package client

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"irc.now/operators/api/v1alpha1"
)

// object is a pointer to T that the API server knows.
type object[T any] interface {
	*T
	runtime.Object
	metav1.Object
}

// Kind is the objects of one kind in a namespace. It is safe for concurrent use.
type Kind[T any, P object[T]] struct {
	calls     *rest.RESTClient
	namespace string
	resource  string // plural, as in the path
	word      string // for sentences
}

// list is an answer with objects, as Kubernetes writes it.
type list[T any] struct {
	metav1.ListMeta `json:"metadata"`

	Items []T `json:"items"`
}

// List gives the objects that the user called owner has, as they are at this moment and in no cache.
func (k *Kind[T, P]) List(ctx context.Context, owner string) ([]T, error) {
	all, err := k.list(ctx, "labelSelector", labels.Set{v1alpha1.LabelOwner: owner}.String())
	if err != nil {
		return nil, k.fault(err)
	}
	return all.Items, nil
}

// list asks for what a selector of one kind matches. Without a resourceVersion the answer is consistent.
func (k *Kind[T, P]) list(ctx context.Context, kindOfSelector, selector string) (list[T], error) {
	var all list[T]
	answer, err := k.calls.Get().Namespace(k.namespace).Resource(k.resource).Param(kindOfSelector, selector).
		Timeout(callTimeout).MaxRetries(maxRetries).Do(ctx).Raw()
	if err != nil {
		return all, err
	}
	if err := json.Unmarshal(answer, &all); err != nil {
		return all, fmt.Errorf("read the list of %s: %w", k.resource, err)
	}
	return all, nil
}

// maxRetries is how often an answer that says "later" is taken up on within the call's timeout.
const maxRetries = 2

// Get gives the object called name.
func (k *Kind[T, P]) Get(ctx context.Context, name string) (P, error) {
	found := P(new(T))
	err := k.calls.Get().Namespace(k.namespace).Resource(k.resource).Name(name).
		Timeout(callTimeout).MaxRetries(maxRetries).Do(ctx).Into(found)
	if err != nil {
		return nil, k.fault(err)
	}
	return found, nil
}

// Create makes an object and gives it as it was stored. What admission refuses is Forbidden, with the webhook's own
// sentence; a name that is taken is a Conflict.
func (k *Kind[T, P]) Create(ctx context.Context, wanted P) (P, error) {
	made := P(new(T))
	err := k.calls.Post().Namespace(k.namespace).Resource(k.resource).Body(wanted).
		Timeout(callTimeout).MaxRetries(maxRetries).Do(ctx).Into(made)
	if err != nil {
		return nil, k.fault(err)
	}
	return made, nil
}

// Patch writes what patch, a JSON merge patch (RFC 7396), says over the object called name. With a resourceVersion in it,
// only an object that is still as it was read is written; else it is a Conflict.
func (k *Kind[T, P]) Patch(ctx context.Context, name string, patch []byte) error {
	err := k.calls.Patch(types.MergePatchType).Namespace(k.namespace).Resource(k.resource).Name(name).Body(patch).
		Timeout(callTimeout).MaxRetries(maxRetries).Do(ctx).Error()
	if err != nil {
		return k.fault(err)
	}
	return nil
}

// Delete has the object removed once its finalizers are done. With a uid, only that object goes, and not another one
// that has its name by now (which is a Conflict).
func (k *Kind[T, P]) Delete(ctx context.Context, name string, uid types.UID) error {
	how := metav1.DeleteOptions{}
	if uid != "" {
		how.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	err := k.calls.Delete().Namespace(k.namespace).Resource(k.resource).Name(name).Body(&how).
		Timeout(callTimeout).MaxRetries(maxRetries).Do(ctx).Error()
	if err != nil {
		return k.fault(err)
	}
	return nil
}
