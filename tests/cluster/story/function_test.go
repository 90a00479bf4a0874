//go:build cluster

package story_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// labelService is on a function's pods.
const labelService = "serving.knative.dev/service"

// asleep is how long a function may take to be at zero: its last request, the windows in which it might come back, and
// the end of its pod.
const asleep = 3 * time.Minute

// awaitZero waits until a function has no pod.
func (w *world) awaitZero(t *testing.T, function string) {
	t.Helper()
	w.awaitGone(t, asleep, function+" is at zero", &corev1.PodList{}, client.InNamespace(platform), client.MatchingLabels{labelService: function})
}

// clockwork are the functions that the clock wakes each minute. Knative ends a pod half a minute after it is no longer
// wanted, so that these have one most of the time; nothing else has.
var clockwork = []string{"billing", "outbox", "revoke"}

// awaitZeroBut waits until no function has a pod but those named.
func (w *world) awaitZeroBut(t *testing.T, but ...string) {
	t.Helper()
	what := "every function is at zero"
	if len(but) > 0 {
		what += fmt.Sprintf(" but %v", but)
	}
	w.await(t, 2*asleep, what, &corev1.PodList{}, func(known map[string]client.Object) verdict {
		for name, pod := range known {
			if !slices.Contains(but, pod.GetLabels()[labelService]) {
				return no("pod %s is there", name)
			}
		}
		return yes()
	}, client.InNamespace(platform), client.HasLabels{labelService})
}

// firstByte is how long a GET takes until its answer begins.
func (w *world) firstByte(t *testing.T, address string) time.Duration {
	t.Helper()
	transport := w.transport()
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatalf("GET %s: %v", address, err)
	}
	took := time.Since(began)
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("GET %s answers %s: %s", address, answer.Status, body)
	}
	return took
}

// record is one line of a program's log.
type record struct {
	Time    time.Time `json:"time"`
	Message string    `json:"msg"`
	Event   string    `json:"event"`
	Method  string    `json:"method"`
	Status  int       `json:"status"`
}

// awaitRecord waits for a line in the log of any of a function's pods that match accepts.
func (w *world) awaitRecord(t *testing.T, patience time.Duration, function string, since time.Time, match func(record) bool) record {
	t.Helper()
	var found record
	w.ask(t, patience, "the log of "+function+" has such a line", func() verdict {
		var is verdict
		found, is = w.findRecord(t.Context(), function, since, match)
		return is
	})
	return found
}

func (w *world) findRecord(ctx context.Context, function string, since time.Time, match func(record) bool) (record, verdict) {
	var pods corev1.PodList
	if err := w.List(ctx, &pods, client.InNamespace(platform), client.MatchingLabels{labelService: function}); err != nil {
		return record{}, no("list its pods: %v", err)
	}
	last := no("it has no pod")
	for _, pod := range pods.Items {
		text, err := w.log(ctx, pod.Namespace, pod.Name, "user-container", metav1.NewTime(since.Add(-time.Second)))
		if err != nil {
			last = no("the log of %s: %v", pod.Name, err)
			continue
		}
		last = no("%s says: %s", pod.Name, text)
		for line := range bytes.Lines(text) {
			var r record
			if json.Unmarshal(line, &r) == nil && !r.Time.Before(since) && match(r) {
				return r, yes()
			}
		}
	}
	return record{}, last
}

// publish gives the broker an event, as a program inside the cluster does; the node reaches Services, too.
func (w *world) publish(t *testing.T, kind, id string, data any) {
	t.Helper()
	var ingress corev1.Service
	if err := w.Get(t.Context(), key("knative-eventing", "broker-ingress"), &ingress); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("http://%s/%s/default", ingress.Spec.ClusterIP, platform)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Ce-Specversion": "1.0", "Ce-Type": kind, "Ce-Id": id, "Ce-Source": "/story", "Content-Type": "application/json",
	} {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("publish %s: %v", kind, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		said, _ := io.ReadAll(answer.Body)
		t.Fatalf("the broker answers %s: %s", answer.Status, strings.TrimSpace(string(said)))
	}
}
