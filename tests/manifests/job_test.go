package manifests_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	batch "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"irc.now/knative/render"
)

// jobs ends jobs, since there is nothing here that would run them.
type jobs struct {
	fail  atomic.Bool  // from now on
	began atomic.Int32 // how many there were
}

// endJobs ends every job of the cluster as soon as it is there, until the test is over.
func endJobs(t *testing.T, config *rest.Config) *jobs {
	t.Helper()
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := c.BatchV1().Jobs(metav1.NamespaceAll).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	j, done := &jobs{}, make(chan struct{})
	go func() {
		defer close(done)
		for event := range seen.ResultChan() {
			if job, ok := event.Object.(*batch.Job); ok && event.Type == watch.Added {
				j.began.Add(1)
				if err := j.end(c, job); err != nil {
					t.Errorf("end %s: %v", job.Name, err)
				}
			}
		}
	}()
	t.Cleanup(func() { seen.Stop(); <-done })
	return j
}

// end writes what the controller of jobs would.
func (j *jobs) end(c kubernetes.Interface, job *batch.Job) error {
	now := metav1.Now()
	job.Status.StartTime = &now
	reasons := []batch.JobConditionType{batch.JobSuccessCriteriaMet, batch.JobComplete}
	if j.fail.Load() {
		reasons = []batch.JobConditionType{batch.JobFailureTarget, batch.JobFailed}
		job.Status.Failed = 7
	} else {
		job.Status.CompletionTime, job.Status.Succeeded = &now, 1
	}
	for _, reason := range reasons {
		job.Status.Conditions = append(job.Status.Conditions, batch.JobCondition{Type: reason, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	_, err := c.BatchV1().Jobs(job.Namespace).UpdateStatus(context.Background(), job, metav1.UpdateOptions{})
	return err
}

// jobFails has the databases not be made ready: no program of the release may start, and the next deployment tries again.
func (p *place) jobFails() {
	p.jobs.fail.Store(true)
	defer p.jobs.fail.Store(false)
	_, err := p.deploy(nil)
	if err == nil {
		p.Fatal("it deployed")
	}
	for _, want := range []string{"Job irc-now/schema-", "it failed", "deploy again", "kubectl describe job schema-"} {
		if !strings.Contains(err.Error(), want) {
			p.Errorf("it does not say %q: %v", want, err)
		}
	}
	if found := p.shell("kubectl --namespace irc-now get clusters.postgresql.cnpg.io,ksvc,deployments --output name"); found != "cluster.postgresql.cnpg.io/database\n" {
		p.Errorf("before the databases are ready there is\n%s", found)
	}
}

// jobOf is the one job among what was applied.
func (p *place) jobOf(objects []render.Object) string {
	p.Helper()
	all := render.InPhases(objects).Jobs
	if len(all) != 1 || !strings.HasPrefix(all[0].Name(), "schema-") {
		p.Fatalf("the jobs are %v", all)
	}
	return all[0].Name()
}
