//go:build cluster

package story_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/tests/eventually"
)

// verdict is whether what is awaited is so, and if not, why.
type verdict struct {
	ok  bool
	why string
}

func yes() verdict { return verdict{ok: true} }

func no(format string, args ...any) verdict { return verdict{why: fmt.Sprintf(format, args...)} }

// await watches objects until judge is content with all of them. When that takes longer than patience, the test fails
// with the last reason, and the state of the cluster is written down. It survives an API server that is away.
func (w *world) await(t *testing.T, patience time.Duration, what string, list client.ObjectList, judge func(map[string]client.Object) verdict, opts ...client.ListOption) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	last := no("nothing was seen yet")
	for {
		seen, err := w.follow(ctx, list, judge, opts)
		if seen.ok {
			return
		}
		if seen.why != "" {
			last = seen
		}
		if ctx.Err() != nil {
			w.explain(t)
			t.Fatalf("%s: not so after %s: %s (last error: %v)", what, patience, last.why, err)
		}
		// A watch ends now and then, and the API server may be away: it is asked again, not at once.
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// ask asks again and again for what nobody tells of, and fails like await.
func (w *world) ask(t *testing.T, patience time.Duration, what string, judge func() verdict) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := eventually.Until(ctx, func(context.Context) error {
		last := judge()
		return eventually.True(last.ok, "%s", last.why)
	})
	if err != nil {
		w.explain(t)
		t.Fatalf("%s: not so after %s: %v", what, patience, err)
	}
}

// follow lists, then watches from there; it returns when judge is content or the watch ends.
func (w *world) follow(ctx context.Context, list client.ObjectList, judge func(map[string]client.Object) verdict, opts []client.ListOption) (verdict, error) {
	if err := w.List(ctx, list, opts...); err != nil {
		return verdict{}, err
	}
	known := map[string]client.Object{}
	items, err := meta.ExtractList(list)
	if err != nil {
		return verdict{}, err
	}
	for _, item := range items {
		if object, ok := item.(client.Object); ok {
			known[object.GetName()] = object
		}
	}
	last := judge(known)
	if last.ok {
		return last, nil
	}
	events, err := w.Watch(ctx, list, append(opts[:len(opts):len(opts)], from(list.GetResourceVersion()))...)
	if err != nil {
		return last, err
	}
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case event, open := <-events.ResultChan():
			if !open || event.Type == watch.Error {
				return last, nil
			}
			note(known, event)
			if last = judge(known); last.ok {
				return last, nil
			}
		}
	}
}

// from has a watch begin where a list ended.
func from(version string) client.ListOption {
	return &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true}}
}

func note(known map[string]client.Object, event watch.Event) {
	object, ok := event.Object.(client.Object)
	switch {
	case !ok || event.Type == watch.Bookmark:
	case event.Type == watch.Deleted:
		delete(known, object.GetName())
	default:
		known[object.GetName()] = object
	}
}

// awaitReady waits for a bouncer or network, and fails at once where its status says that nothing will happen.
func (w *world) awaitReady(t *testing.T, patience time.Duration, object client.Object) {
	t.Helper()
	list, status := listOf(object)
	w.await(t, patience, fmt.Sprintf("%T %s is ready", object, object.GetName()), list, func(known map[string]client.Object) verdict {
		found, there := known[object.GetName()]
		if !there {
			return no("it is not there")
		}
		s := status(found)
		ready := meta.FindStatusCondition(s.Conditions, v1alpha1.Ready)
		if ready == nil || s.ObservedGeneration != found.GetGeneration() {
			return no("the operator has not looked at it yet")
		}
		if ready.Status != "True" {
			return no("%s", sentences(s))
		}
		return yes()
	}, client.InNamespace(tenants))
}

// listOf gives an empty list of the object's kind, and how to read a status.
func listOf(object client.Object) (client.ObjectList, func(client.Object) *v1alpha1.Status) {
	status := func(o client.Object) *v1alpha1.Status {
		if held, ok := o.(interface{ GetStatus() *v1alpha1.Status }); ok {
			return held.GetStatus()
		}
		return &v1alpha1.Status{}
	}
	if _, network := object.(*v1alpha1.ErgoNetwork); network {
		return &v1alpha1.ErgoNetworkList{}, status
	}
	return &v1alpha1.SojuBouncerList{}, status
}

// sentences are what the conditions that are not true say.
func sentences(s *v1alpha1.Status) string {
	var all strings.Builder
	for _, c := range s.Conditions {
		if c.Status != "True" {
			fmt.Fprintf(&all, "%s=%s (%s) %s; ", c.Type, c.Status, c.Reason, c.Message)
		}
	}
	return all.String()
}

// awaitGone waits until nothing of a kind matches.
func (w *world) awaitGone(t *testing.T, patience time.Duration, what string, list client.ObjectList, opts ...client.ListOption) {
	t.Helper()
	w.await(t, patience, what, list, func(known map[string]client.Object) verdict {
		if len(known) == 0 {
			return yes()
		}
		return no("still there: %v", names(known))
	}, opts...)
}

func names(known map[string]client.Object) []string {
	var all []string
	for name := range known {
		all = append(all, name)
	}
	return all
}

// kinds makes an empty list of a kind that we have no types for.
func kinds(group, version, kind string) *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: version, Kind: kind + "List"})
	return list
}

// object makes an empty object of such a kind.
func object(group, version, kind string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	return o
}

func key(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}
