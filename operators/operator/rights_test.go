package operator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/tests/eventually"
)

// Where the manifests put things, and what they say that the operator may do.
const (
	platformNamespace = "irc-now"
	tenantNamespace   = "irc-now-tenants"
	roles             = "../../knative/base/operator/roles.yaml"
	account           = "system:serviceaccount:irc-now:operator"
)

// TestItsRightsAreEnough runs the operator with no other rights than the manifests give it.
func TestItsRightsAreEnough(t *testing.T) {
	w := newWorld(t)
	w.namespace = tenantNamespace
	for _, name := range []string{platformNamespace, tenantNamespace} {
		w.ensure(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	w.apply(roles)
	user, err := operatortest.Shared(t).Environment.AddUser(envtest.User{Name: account}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	o := w.startAs(path, &log, "1.0.0", "LEADER_ELECTION_NAMESPACE="+platformNamespace)
	b, n := w.bouncer(), w.network()
	w.awaitCondition(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.0")
	w.awaitReason(b, v1alpha1.WorkloadReady, naming.PodStarting)
	w.awaitReason(n, v1alpha1.WorkloadReady, naming.PodStarting)
	w.awaitReason(n, v1alpha1.Exposed, naming.NotAdmitted)
	for _, object := range []client.Object{b, n} {
		w.goes(object)
	}
	o.stop()
	if bytes.Contains(log.Bytes(), []byte("forbidden")) {
		t.Errorf("something was forbidden:\n%s", log.Bytes())
	}
}

// apply makes every object in a file of manifests.
func (w *world) apply(path string) {
	w.t.Helper()
	file, err := os.Open(path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	for decoder := yaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			w.t.Fatal(err)
		}
		w.ensure(object)
	}
}

// ensure makes what is there already when the test runs again on the same server.
func (w *world) ensure(object client.Object) {
	w.t.Helper()
	if err := w.client.Create(w.t.Context(), object); err != nil && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
}

// goes deletes an object and waits until the operator has let it go.
func (w *world) goes(object client.Object) {
	w.t.Helper()
	if err := w.client.Delete(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
	eventually.Within(w.t, patience, func(ctx context.Context) error {
		err := w.client.Get(ctx, client.ObjectKeyFromObject(object), object)
		return eventually.True(apierrors.IsNotFound(err), "%s is not let go (%v): %+v", object.GetName(), err, object)
	})
}
