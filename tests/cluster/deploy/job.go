package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	batch "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"irc.now/tests/cluster/addons"
)

// tail is how much of what a job said is shown.
const tail = 20

// run applies jobs one by one and waits until each is done. One that is done already is left alone, one that failed
// begins again.
func (d deployment) run(ctx context.Context, config *rest.Config, jobs []*unstructured.Unstructured) error {
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if err := clearFailed(ctx, c, job); err != nil {
			return err
		}
		if err := addons.Apply(ctx, config, []*unstructured.Unstructured{job}, d.Log); err != nil {
			return err
		}
		if err := done(ctx, c, job); err != nil {
			return fmt.Errorf("the job %s: %w:\n%s", job.GetName(), err, said(context.WithoutCancel(ctx), c, job))
		}
	}
	return nil
}

// clearFailed deletes a job that failed, and waits until it is gone.
func clearFailed(ctx context.Context, c kubernetes.Interface, job *unstructured.Unstructured) error {
	of := c.BatchV1().Jobs(job.GetNamespace())
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		found, err := of.Get(ctx, job.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && !has(found, batch.JobFailed) {
			return true, nil
		}
		if err == nil {
			background := metav1.DeletePropagationBackground
			err = of.Delete(ctx, job.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
		}
		return false, err
	})
}

// done waits until a job has ended well.
func done(ctx context.Context, c kubernetes.Interface, job *unstructured.Unstructured) error {
	return wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		found, err := c.BatchV1().Jobs(job.GetNamespace()).Get(ctx, job.GetName(), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if has(found, batch.JobFailed) {
			return false, errors.New("it failed")
		}
		return has(found, batch.JobComplete), nil
	})
}

func has(job *batch.Job, condition batch.JobConditionType) bool {
	for _, c := range job.Status.Conditions {
		if c.Type == condition && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// said is the end of what each of a job's pods said, and why it says nothing.
func said(ctx context.Context, c kubernetes.Interface, job *unstructured.Unstructured) string {
	of := c.CoreV1().Pods(job.GetNamespace())
	pods, err := of.List(ctx, metav1.ListOptions{LabelSelector: batch.JobNameLabel + "=" + job.GetName()})
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, pod := range pods.Items {
		lines := int64(tail)
		log, err := of.GetLogs(pod.Name, &corev1.PodLogOptions{TailLines: &lines}).DoRaw(ctx)
		if err != nil {
			log = []byte(err.Error())
		}
		fmt.Fprintf(&text, "%s, %s: %s\n", pod.Name, pod.Status.Phase, log)
	}
	return text.String()
}
