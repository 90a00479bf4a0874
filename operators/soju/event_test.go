package soju

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
)

// What others say can be longer than what the API server takes in an event.
func TestALongMessageIsStillToldInAnEvent(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer("wordy", nil)
	w.reconcile(b)
	var d appsv1.Deployment
	w.get("wordy", &d)
	d.Status.ObservedGeneration = d.Generation
	w.status(&d)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "wordy-1", Labels: d.Spec.Template.Labels}, Spec: d.Spec.Template.Spec}
	if err := w.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status = corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "soju", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CreateContainerError", Message: strings.Repeat("ä", 40_000)}},
	}}}
	w.status(pod)
	w.reconcile(b)
	w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodFailing, "cannot be started: ä")
	for _, event := range w.told() {
		_, note, found := strings.Cut(event, " "+naming.PodFailing+" ")
		if found && strings.HasPrefix(note, "Its container soju") && len(note) <= 1024 && strings.HasSuffix(note, "ä") {
			return
		}
	}
	t.Error("no event says it in a length that the API server takes")
}
