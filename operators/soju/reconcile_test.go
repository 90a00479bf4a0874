package soju

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
)

func TestABouncerComesUp(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer("alice", nil)
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionFalse, naming.CertificatePending)
	w.want(b, v1alpha1.Reconciling, metav1.ConditionTrue, naming.CertificatePending)
	w.surround(b)
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	w.absent(b, v1alpha1.Reconciling)
	w.absent(b, v1alpha1.Stalled)
	if b.Status.Host != "alice.irc.test" || b.Status.Database != "soju_alice" || b.Status.ObservedGeneration != b.Generation {
		t.Errorf("%+v", b.Status)
	}
}

func TestWhatIsAsItShouldBeIsNotWritten(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.ready("steady", nil)
	w.writes.Take()
	w.restart() // knows nothing of what it has applied
	w.reconcile(b)
	if list := w.writes.Take(); len(list) > 0 {
		t.Errorf("a pass with nothing to do wrote %d times:\n%s", len(list), list)
	}
}
