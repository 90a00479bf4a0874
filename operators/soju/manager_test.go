package soju

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/operatortest"
	"irc.now/operators/reconciler"
	"irc.now/tests/eventually"
)

// tenants and platform are the namespaces of the manifests.
const (
	tenants  = "irc-now-tenants"
	platform = "irc-now"
)

// patience bounds what a test waits for events that must come.
const patience = 30 * time.Second

// operate runs the whole operator, with the rights of the manifests and no more, until the test ends.
func operate(t *testing.T, w *world, server *operatortest.Server) {
	t.Helper()
	scheme, err := reconciler.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	rights := server.Config()
	rights.QPS = -1
	rights.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + platform + ":operator"}
	again := true
	mgr, err := ctrl.NewManager(rights, ctrl.Options{
		Scheme: scheme, Cache: reconciler.CacheOptions(w.namespace), Metrics: metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &again}, // one process, several operators
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &Reconciler{Settings: w.settings, Databases: w.tenants, Version: "1.0.0", Workers: 4}
	if err := r.SetupWithManager(mgr); err != nil {
		t.Fatal(err)
	}
	operatortest.Run(t, mgr)
}

// grant applies the roles of the manifests.
func grant(t *testing.T, c client.Client) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "knative", "base", "operator", "roles.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatal(err)
		}
		var object client.Object = &rbacv1.Role{}
		if kind.Kind == "RoleBinding" {
			object = &rbacv1.RoleBinding{}
		}
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatal(err)
		}
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// until looks at the bouncer, as it changes, until it is as wanted.
func (w *world) until(b *v1alpha1.SojuBouncer, what string, wanted func() bool) {
	w.t.Helper()
	eventually.Within(w.t, patience, func(ctx context.Context) error {
		if err := w.client.Get(ctx, client.ObjectKeyFromObject(b), b); client.IgnoreNotFound(err) != nil {
			return err
		}
		return eventually.True(wanted(), "%s did not come: %+v", what, b.Status)
	})
}

func TestTheOperatorWorksWithTheRightsOfTheManifests(t *testing.T) {
	server := operatortest.Start(t, operatortest.Options{
		CRDs: []operatortest.Source{operatortest.Gateway, operatortest.CertManager},
	})
	w := newWorld(t, server)
	w.namespace = tenants
	for _, name := range []string{tenants, platform} {
		if err := w.client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	grant(t, w.client)
	operate(t, w, server)
	b := w.bouncer("managed", nil)
	is := func(condition string) func() bool {
		return func() bool { return meta.IsStatusConditionTrue(b.Status.Conditions, condition) }
	}
	w.until(b, "a database", is(v1alpha1.DatabaseReady))
	w.until(b, "routes", func() bool { return meta.FindStatusCondition(b.Status.Conditions, v1alpha1.Exposed) != nil })
	w.surround(b)
	w.until(b, "readiness", is(v1alpha1.Ready))

	checksum := w.checksum("managed")
	w.update(b, func() { b.Spec.Title = "Another title" })
	w.until(b, "a new configuration", func() bool { return w.checksum("managed") != checksum })

	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: tenants, Name: "managed-admin"}}
	if err := w.client.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	w.until(b, "the deleted Service", func() bool {
		return w.client.Get(t.Context(), client.ObjectKeyFromObject(service), service) == nil && service.DeletionTimestamp == nil
	})
	if err := w.client.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	w.until(b, "the end", func() bool { return len(w.databases("deleted_soju_managed_")) == 1 })
	if events := w.eventsOf("managed"); events["AllReady"] == 0 || events["DatabaseMade"] == 0 {
		t.Errorf("the events are %v", events)
	}
}

// eventsOf counts what was told of an object, by reason.
func (w *world) eventsOf(name string) map[string]int {
	w.t.Helper()
	var list corev1.EventList
	if err := w.client.List(w.t.Context(), &list, client.InNamespace(w.namespace)); err != nil {
		w.t.Fatal(err)
	}
	reasons := map[string]int{}
	for _, event := range list.Items {
		if event.InvolvedObject.Name == name {
			reasons[event.Reason]++
		}
	}
	return reasons
}
