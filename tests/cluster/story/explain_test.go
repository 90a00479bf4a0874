//go:build cluster

package story_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"irc.now/operators/api/v1alpha1"
)

// told are the namespaces that an explanation covers.
var told = []string{platform, tenants, "traefik", "knative-serving", "knative-eventing", "cnpg-system", "kube-system"}

// explain writes what a person needs to find out why a test failed: objects with their conditions, events and the end
// of every pod's log. It does so once for each test: later, what the test made is gone.
func (w *world) explain(t *testing.T) {
	t.Helper()
	if _, told := w.explained.LoadOrStore(t.Name(), true); told {
		return
	}
	dir := filepath.Join(w.dumps, strings.ReplaceAll(t.Name(), "/", "_"))
	// The test's own time may be up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Logf("the state of the cluster could not be written down: %v", err)
		return
	}
	for name, list := range map[string]client.ObjectList{
		"sojubouncers": &v1alpha1.SojuBouncerList{}, "ergonetworks": &v1alpha1.ErgoNetworkList{},
		"pods": &corev1.PodList{}, "services": kinds("serving.knative.dev", "v1", "Service"),
		"revisions": kinds("serving.knative.dev", "v1", "Revision"), "triggers": kinds("eventing.knative.dev", "v1", "Trigger"),
		"clusters": kinds("postgresql.cnpg.io", "v1", "Cluster"), "certificates": kinds("cert-manager.io", "v1", "Certificate"),
		"tlsroutes": kinds("gateway.networking.k8s.io", "v1alpha2", "TLSRoute"), "httproutes": kinds("gateway.networking.k8s.io", "v1", "HTTPRoute"),
	} {
		if err := w.List(ctx, list); err != nil {
			t.Logf("list %s: %v", name, err)
			continue
		}
		text, err := yaml.Marshal(list)
		if err != nil {
			t.Logf("list %s: %v", name, err)
			continue
		}
		w.save(t, filepath.Join(dir, name+".yaml"), text)
	}
	for _, namespace := range told {
		w.explainNamespace(ctx, t, dir, namespace)
	}
	t.Logf("the state of the cluster is in %s", dir)
}

func (w *world) explainNamespace(ctx context.Context, t *testing.T, dir, namespace string) {
	t.Helper()
	var events corev1.EventList
	if err := w.List(ctx, &events, client.InNamespace(namespace)); err != nil {
		t.Logf("events of %s: %v", namespace, err)
	}
	var lines strings.Builder
	for _, e := range events.Items {
		fmt.Fprintf(&lines, "%s %s %s/%s %s: %s\n", e.LastTimestamp.Format(time.TimeOnly), e.Type, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
	}
	w.save(t, filepath.Join(dir, "events-"+namespace), []byte(lines.String()))
	var pods corev1.PodList
	if err := w.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
		t.Logf("pods of %s: %v", namespace, err)
	}
	for _, pod := range pods.Items {
		for _, container := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
			text, err := w.log(ctx, pod.Namespace, pod.Name, container.Name, metav1.Time{})
			if err != nil {
				text = []byte(err.Error())
			}
			w.save(t, filepath.Join(dir, "log-"+namespace+"-"+pod.Name+"-"+container.Name), text)
		}
	}
}

const longestLog = 1000 // lines

// log is the end of a container's log, since a time where that is not zero.
func (w *world) log(ctx context.Context, namespace, pod, container string, since metav1.Time) ([]byte, error) {
	lines := int64(longestLog)
	options := &corev1.PodLogOptions{Container: container, TailLines: &lines}
	if !since.IsZero() {
		options.SinceTime = &since
	}
	stream, err := w.pods.CoreV1().Pods(namespace).GetLogs(pod, options).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return io.ReadAll(stream)
}

func (w *world) save(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Logf("write %s: %v", path, err)
	}
}

// onFailure explains a test that has failed for another reason than waiting.
func (w *world) onFailure(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			w.explain(t)
		}
	})
}
