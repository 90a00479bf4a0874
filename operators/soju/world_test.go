package soju

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"irc.now/longrunning/local/storetest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/operators/reconciler"
	"irc.now/shared/config"
	"irc.now/shared/store"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(operatortest.Main(m, operatortest.Options{CRDs: []operatortest.Source{operatortest.Gateway, operatortest.CertManager}}))
}

func testSettings() Settings {
	return Settings{
		Domain: "irc.test", IntrospectURL: "http://introspect.irc-now.svc.cluster.local",
		AdminKey: "the platform's key", IntrospectKey: "the platform's other key", OIDCIssuer: "https://auth.irc.test/realms/irc", ChatClientID: "chat",
		ExtraNetworks: "irc.now=ircs://network.irc.test:6697",
		OwnNetworks:   ".net.irc.test",
		Images:        Images{Soju: "irc.now/soju", Front: "irc.now/longrunning/front/cmd", BouncerAdmin: "irc.now/longrunning/bounceradmin/cmd", Chat: "irc.now/chat"},
		Database:      reconciler.DatabaseServer{Host: "tenants-rw.irc-now.svc", Port: 5432, SSLMode: "require"},
		Issuer:        reconciler.Issuer{Kind: "ClusterIssuer", Name: "irc-now"},
		Gateway:       reconciler.Gateway{Namespace: "irc-now", Name: "irc-now"}, IRCSection: "irc", WebSection: "https",
		Platform: []string{"irc-now", "knative-serving"},
		Resolver: reconciler.Resolver{Nameservers: []string{"10.96.0.10"}, Namespaces: []string{"kube-system"}},
	}
}

// world is a namespace on a real API server, a real PostgreSQL, and an operator whose passes the test runs itself. What
// kubelets, cert-manager and routers would do is done by the test.
type world struct {
	t          *testing.T
	client     client.Client
	namespace  string
	tenants    *reconciler.Tenants
	settings   Settings
	version    string
	writes     *operatortest.Writes
	events     *events.FakeRecorder
	controller *reconciler.Controller[*v1alpha1.SojuBouncer]
}

func newWorld(t *testing.T, server *operatortest.Server) *world {
	t.Helper()
	scheme, err := reconciler.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, settings: testSettings(), namespace: strings.ToLower(strings.ReplaceAll(storetest.Name(), "_", "-")), version: "1.0.0", writes: &operatortest.Writes{}, tenants: newTenants(t),
		events: events.NewFakeRecorder(1000),
	}
	c, err := client.NewWithWatch(server.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w.client = w.writes.Client(c)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: w.namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := w.client.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	w.restart()
	return w
}

func newTenants(t *testing.T) *reconciler.Tenants {
	pool, err := store.Open(t.Context(), storetest.Server(t).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &reconciler.Tenants{Admin: pool, Retention: time.Hour, Log: slog.New(slog.DiscardHandler)}
}

// restart is a new operator with nothing in memory.
func (w *world) restart() {
	r := Reconciler{Settings: w.settings, Databases: w.tenants, Version: w.version}
	w.controller = r.controller(w.client, w.client, w.events)
}

// bouncer makes a dedicated bouncer with the spec changed as wanted.
func (w *world) bouncer(name string, change func(*v1alpha1.SojuBouncer)) *v1alpha1.SojuBouncer {
	w.t.Helper()
	b := &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec:       v1alpha1.SojuBouncerSpec{Owner: "alice", Role: v1alpha1.RoleDedicated},
	}
	if change != nil {
		change(b)
	}
	if err := w.client.Create(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.forget(b) })
	return b
}

// forget drops the database, whatever the test left of it.
func (w *world) forget(b *v1alpha1.SojuBouncer) {
	ctx := context.WithoutCancel(w.t.Context())
	// Nothing of other tests is due at that time.
	tenants := reconciler.Tenants{Now: func() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }}
	pool, err := store.Open(ctx, storetest.Server(w.t).URL("postgres"))
	if err != nil {
		w.t.Error(err)
		return
	}
	defer pool.Close()
	tenants.Admin = pool
	if err := tenants.Bury(ctx, naming.Bouncer(b.Name).Database(), string(b.UID)); err != nil {
		w.t.Error(err)
	}
}

func (w *world) pass(b *v1alpha1.SojuBouncer) (ctrl.Result, error) {
	return w.controller.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(b)})
}

// reconcile runs a pass, which must not fail, and reads the bouncer anew.
func (w *world) reconcile(b *v1alpha1.SojuBouncer) ctrl.Result {
	w.t.Helper()
	result, err := w.pass(b)
	if err != nil {
		w.t.Fatal(err)
	}
	w.get(b.Name, b)
	return result
}

// told are the events since the last call.
func (w *world) told() []string {
	var all []string
	for len(w.events.Events) > 0 {
		all = append(all, <-w.events.Events)
	}
	return all
}

func (w *world) get(name string, object client.Object) {
	w.t.Helper()
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, object); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) update(object client.Object, change func()) {
	w.t.Helper()
	w.get(object.GetName(), object)
	change()
	if err := w.client.Update(w.t.Context(), object, client.FieldOwner("somebody")); err != nil {
		w.t.Fatal(err)
	}
}

// want checks a condition of the last pass.
func (w *world) want(b *v1alpha1.SojuBouncer, kind string, status metav1.ConditionStatus, reason string, words ...string) {
	w.t.Helper()
	operatortest.WantCondition(w.t, b.Status.Conditions, kind, status, reason, words...)
}

func (w *world) absent(b *v1alpha1.SojuBouncer, kind string) {
	w.t.Helper()
	if c := meta.FindStatusCondition(b.Status.Conditions, kind); c != nil {
		w.t.Errorf("%s is there: %+v", kind, c)
	}
}

// surround does what a cluster would: run the pod, issue the certificate, admit the routes.
func (w *world) surround(b *v1alpha1.SojuBouncer) {
	w.t.Helper()
	w.run(b.Name)
	w.issue(b.Name)
	w.admit(b.Name)
}

func (w *world) run(name string) {
	w.t.Helper()
	var d appsv1.Deployment
	w.get(name, &d)
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, Replicas: *d.Spec.Replicas, UpdatedReplicas: *d.Spec.Replicas,
		ReadyReplicas: *d.Spec.Replicas, AvailableReplicas: *d.Spec.Replicas,
	}
	w.status(&d)
}

func (w *world) issue(name string) {
	w.t.Helper()
	var c certmanager.Certificate
	w.get(name+"-tls", &c)
	c.Status.Conditions = []certmanager.CertificateCondition{{
		Type: certmanager.CertificateConditionReady, Status: certmeta.ConditionTrue, Reason: "Ready", ObservedGeneration: c.Generation,
	}}
	w.status(&c)
}

func (w *world) admit(name string) {
	w.t.Helper()
	var tls gateway.TLSRoute
	w.get(name+"-irc", &tls)
	tls.Status.Parents = accepted(tls.Spec.ParentRefs[0], tls.Generation)
	w.status(&tls)
	var http gateway.HTTPRoute
	w.get(name+"-web", &http)
	http.Status.Parents = accepted(http.Spec.ParentRefs[0], http.Generation)
	w.status(&http)
}

func accepted(parent gateway.ParentReference, generation int64) []gateway.RouteParentStatus {
	return []gateway.RouteParentStatus{{ParentRef: parent, ControllerName: "example.org/gateway", Conditions: []metav1.Condition{{
		Type: string(gateway.RouteConditionAccepted), Status: metav1.ConditionTrue, Reason: "Accepted",
		ObservedGeneration: generation, LastTransitionTime: metav1.Now(),
	}}}}
}

func (w *world) status(object client.Object) {
	w.t.Helper()
	if err := w.client.Status().Update(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
}

// ready brings a bouncer up.
func (w *world) ready(name string, change func(*v1alpha1.SojuBouncer)) *v1alpha1.SojuBouncer {
	w.t.Helper()
	b := w.bouncer(name, change)
	w.bringUp(b)
	return b
}

func (w *world) bringUp(b *v1alpha1.SojuBouncer) {
	w.t.Helper()
	w.reconcile(b)
	w.surround(b)
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
}

func secretOf(text string) config.Secret { return config.Secret(text) }
