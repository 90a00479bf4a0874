package soju

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/operatortest"
)

// What tools that wait for objects (Argo CD, Flux, kubectl's plug-ins) make of a bouncer, in every state that it is in
// on a real API server.
func TestToolsThatWaitReadABouncersStatus(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	for _, c := range []struct {
		name string // of the bouncer
		into func(b *v1alpha1.SojuBouncer)
		want status.Status
	}{
		{"created", func(*v1alpha1.SojuBouncer) {}, status.InProgressStatus},
		{"starting", func(b *v1alpha1.SojuBouncer) { w.reconcile(b) }, status.InProgressStatus},
		{"running", w.bringUp, status.CurrentStatus},
		{"changed", func(b *v1alpha1.SojuBouncer) {
			w.bringUp(b)
			w.update(b, func() { b.Spec.Title = "Another" })
		}, status.InProgressStatus},
		{"restarting", func(b *v1alpha1.SojuBouncer) {
			w.bringUp(b)
			w.update(b, func() { b.Spec.Title = "Another" })
			w.reconcile(b)
		}, status.InProgressStatus},
		{"conflicting", func(b *v1alpha1.SojuBouncer) {
			w.database("soju_conflicting")
			w.reconcile(b)
		}, status.FailedStatus},
		{"stopping", func(b *v1alpha1.SojuBouncer) {
			w.bringUp(b)
			w.update(b, func() { b.Spec.Suspended = true })
			w.reconcile(b)
		}, status.InProgressStatus},
		// Nobody can use it, so it is not ready, and there is no word for "as asked, and not ready".
		{"stopped", func(b *v1alpha1.SojuBouncer) {
			w.bringUp(b)
			w.update(b, func() { b.Spec.Suspended = true })
			w.reconcile(b)
			w.run(b.Name)
			w.reconcile(b)
		}, status.InProgressStatus},
		{"outdated", func(b *v1alpha1.SojuBouncer) {
			w.version = "2.0.0"
			w.restart()
			w.bringUp(b)
			w.version = "1.0.0"
			w.restart()
			w.reconcile(b)
		}, status.FailedStatus},
		{"leaving", func(b *v1alpha1.SojuBouncer) {
			w.bringUp(b)
			if err := w.client.Delete(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}, status.TerminatingStatus},
	} {
		b := w.bouncer(c.name, nil)
		c.into(b)
		if got := w.computed(b); got.Status != c.want {
			t.Errorf("%s is %s (%s), want %s", c.name, got.Status, got.Message, c.want)
		}
	}
}

// computed is what the library makes of the bouncer as it is stored.
func (w *world) computed(b *v1alpha1.SojuBouncer) *status.Result {
	w.t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("SojuBouncer"))
	w.get(b.Name, u)
	result, err := status.Compute(u)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}
