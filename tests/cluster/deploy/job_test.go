package deploy

import (
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"

	"irc.now/knative/render"
	"irc.now/tests/cluster/image"
)

// job is a job with a condition, and what asks for it.
func job(condition batch.JobConditionType) (*batch.Job, *unstructured.Unstructured) {
	asks := &unstructured.Unstructured{}
	asks.SetNamespace(Namespace)
	asks.SetName("schema-1")
	return &batch.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "schema-1"},
		Status:     batch.JobStatus{Conditions: []batch.JobCondition{{Type: condition, Status: corev1.ConditionTrue}}},
	}, asks
}

func TestOnlyAJobThatFailedIsClearedAway(t *testing.T) {
	for condition, left := range map[batch.JobConditionType]int{batch.JobFailed: 0, batch.JobComplete: 1, batch.JobSuspended: 1} {
		found, asks := job(condition)
		c := fake.NewClientset(found)
		if err := clearFailed(t.Context(), c, asks); err != nil {
			t.Fatal(err)
		}
		jobs, err := c.BatchV1().Jobs(Namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(jobs.Items) != left {
			t.Errorf("of a job that is %s %d are left, %v", condition, len(jobs.Items), err)
		}
	}
	_, asks := job(batch.JobFailed)
	if err := clearFailed(t.Context(), fake.NewClientset(), asks); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestAJobIsDoneWhenItIsComplete(t *testing.T) {
	found, asks := job(batch.JobComplete)
	if err := done(t.Context(), fake.NewClientset(found), asks); err != nil {
		t.Error(err)
	}
	found, asks = job(batch.JobFailed)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "schema-1-x", Labels: map[string]string{batch.JobNameLabel: "schema-1"}}}
	c := fake.NewClientset(found, pod)
	if err := done(t.Context(), c, asks); err == nil {
		t.Error("one that failed is done")
	}
	if text := said(t.Context(), c, asks); !strings.Contains(text, "schema-1-x, : fake logs") {
		t.Errorf("it said %q", text)
	}
}

func TestProgramsAreAppliedAfterTheJob(t *testing.T) {
	made, err := render.Overlay("../../..", overlay)
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string]string{image.PostgreSQL: "dev.local/postgresql:1"}
	for _, image := range render.Images(made) {
		refs[image] = "dev.local/program:1"
	}
	first, jobs, rest, err := rendered("../../..", refs)
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 1 || !strings.HasPrefix(jobs[0].GetName(), "schema-") {
		t.Errorf("the jobs are %v", jobs)
	}
	for _, o := range first {
		if conditions[o.GetKind()] != "" && o.GetKind() != "Cluster" {
			t.Errorf("%s %s does not wait for the job", o.GetKind(), o.GetName())
		}
	}
	if len(rest) < len(first) {
		t.Errorf("%d objects are applied after the job, %d before", len(rest), len(first))
	}
}
