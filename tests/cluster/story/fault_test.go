//go:build cluster

package story_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
)

// Programs of the node that tests end.
const (
	apiServer  = "kube-apiserver"
	containerd = "containerd"
)

// Deployments that tests take away for a while. Each has one pod on the test cluster.
var (
	brokerDoor  = key("knative-eventing", "mt-broker-ingress")
	certManager = key("cert-manager", "cert-manager")
)

// The clock wakes functions each minute (knative/base/sources); stopped, it strikes at New Year.
const (
	eachMinute = "* * * * *"
	stopped    = "0 0 1 1 *"
)

// mend undoes every fault that tests cause, whether it is there or not: a run may have ended in the midst of one.
func (w *world) mend() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := w.revive(ctx); err != nil {
		return err
	}
	return errors.Join(w.scale(ctx, brokerDoor, 1), w.scale(ctx, certManager, 1), w.setClock(ctx, eachMinute))
}

// revive starts those of the node's programs that tests end, where they are down.
func (w *world) revive(ctx context.Context) error {
	w.one.Lock()
	defer w.one.Unlock()
	running := w.machine.Running()
	for _, component := range []string{apiServer, containerd} {
		if !running[component] {
			if err := w.machine.Restart(ctx, component); err != nil {
				return err
			}
		}
	}
	return nil
}

// restart ends one of the node's programs and starts it again.
func (w *world) restart(t *testing.T, component string) {
	t.Helper()
	w.one.Lock()
	defer w.one.Unlock()
	if err := w.machine.Restart(t.Context(), component); err != nil {
		t.Fatal(err)
	}
}

// sweep deletes bouncers and networks that an earlier run has left: they would share the node with those that come.
func (w *world) sweep(ctx context.Context) error {
	for _, list := range []client.ObjectList{&v1alpha1.SojuBouncerList{}, &v1alpha1.ErgoNetworkList{}} {
		if err := w.List(ctx, list, client.InNamespace(tenants)); err != nil {
			return err
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			object, is := item.(client.Object)
			if !is || !strings.HasPrefix(object.GetLabels()[v1alpha1.LabelOwner], oneOfUs) {
				return nil
			}
			return client.IgnoreNotFound(w.Delete(ctx, object))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// atTheEnd is for what a test has to undo: its own context has ended by then. A test that failed is explained before.
func (w *world) atTheEnd(t *testing.T, undo func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			w.explain(t)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
		defer cancel()
		if err := undo(ctx); err != nil {
			t.Error(err)
		}
	})
}

// without takes a Deployment's pod away while what runs, and brings it back.
func (w *world) without(t *testing.T, deployment types.NamespacedName, what func()) {
	t.Helper()
	w.atTheEnd(t, func(ctx context.Context) error { return w.scale(ctx, deployment, 1) }) // what may end the test
	w.awaitScale(t, deployment, 0)
	what()
	w.awaitScale(t, deployment, 1)
}

func (w *world) awaitScale(t *testing.T, deployment types.NamespacedName, replicas int32) {
	t.Helper()
	if err := w.scale(t.Context(), deployment, replicas); err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%s has %d pods", deployment, replicas)
	w.await(t, mending, what, &appsv1.DeploymentList{}, func(known map[string]client.Object) verdict {
		found, _ := known[deployment.Name].(*appsv1.Deployment)
		switch {
		case found == nil:
			return no("it is not there")
		case found.Status.ObservedGeneration < found.Generation:
			return no("nobody has looked at it yet")
		case found.Status.Replicas != replicas || found.Status.ReadyReplicas != replicas:
			return no("%d pods, %d of them ready", found.Status.Replicas, found.Status.ReadyReplicas)
		}
		return yes()
	}, client.InNamespace(deployment.Namespace))
}

func (w *world) scale(ctx context.Context, deployment types.NamespacedName, replicas int32) error {
	object := &appsv1.Deployment{}
	object.Namespace, object.Name = deployment.Namespace, deployment.Name
	return w.merge(ctx, object, `{"spec":{"replicas":%d}}`, replicas)
}

// stopClock keeps the clock from waking functions until the test ends.
func (w *world) stopClock(t *testing.T) {
	t.Helper()
	w.atTheEnd(t, func(ctx context.Context) error { return w.setClock(ctx, eachMinute) })
	if err := w.setClock(t.Context(), stopped); err != nil {
		t.Fatal(err)
	}
}

func (w *world) setClock(ctx context.Context, schedule string) error {
	clock := object("sources.knative.dev", "v1", "PingSource")
	clock.SetNamespace(platform)
	clock.SetName("every-minute")
	return w.merge(ctx, clock, `{"spec":{"schedule":%q}}`, schedule)
}

func (w *world) merge(ctx context.Context, object client.Object, patch string, args ...any) error {
	if err := w.Patch(ctx, object, client.RawPatch(types.MergePatchType, fmt.Appendf(nil, patch, args...))); err != nil {
		return fmt.Errorf("change %T %s: %w", object, object.GetName(), err)
	}
	return nil
}

// removeAtTheEnd deletes what a test has made and may have left.
func (w *world) removeAtTheEnd(t *testing.T, object client.Object) {
	t.Helper()
	w.atTheEnd(t, func(ctx context.Context) error { return client.IgnoreNotFound(w.Delete(ctx, object)) })
}

// kill ends pods at once.
func (w *world) kill(t *testing.T, namespace string, which client.MatchingLabels) {
	t.Helper()
	var pods corev1.PodList
	if err := w.List(t.Context(), &pods, client.InNamespace(namespace), which); err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) == 0 {
		t.Fatalf("there is no pod %v in %s", which, namespace)
	}
	for _, pod := range pods.Items {
		if err := w.Delete(t.Context(), &pod, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
}
