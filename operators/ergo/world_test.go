package ergo

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/jackc/pgx/v5"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"irc.now/longrunning/local/servers/postgres"
	"irc.now/longrunning/local/storetest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/operators/reconciler"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
)

func TestMain(m *testing.M) {
	os.Exit(operatortest.Main(m, operatortest.Options{CRDs: []operatortest.Source{operatortest.Gateway, operatortest.CertManager}}))
}

// world is a namespace on a real API server, a real PostgreSQL, a real ergo as the one pod, and an operator whose passes
// the test runs itself. What kubelets, cert-manager and gateways would do is done by the test.
type world struct {
	t          *testing.T
	client     client.Client
	namespace  string
	settings   *Settings
	databases  reconciler.Databases
	events     *events.FakeRecorder
	now        time.Time
	writes     *operatortest.Writes
	controller *reconciler.Controller[*v1alpha1.ErgoNetwork]
	reconciler *Reconciler
	network    *v1alpha1.ErgoNetwork
	pod        *pod
}

// newWorld has one network, which no pass has seen yet.
func newWorld(t *testing.T, edit func(*v1alpha1.ErgoNetwork)) *world {
	t.Helper()
	return newWorldOn(t, storetest.Server(t), edit)
}

// newWorldOn keeps the network's database on that server.
func newWorldOn(t *testing.T, databases *postgres.Server, edit func(*v1alpha1.ErgoNetwork)) *world {
	t.Helper()
	server := operatortest.Shared(t)
	scheme, err := reconciler.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, namespace: unique(), settings: settings(), databases: tenants(t, databases, time.Hour), writes: &operatortest.Writes{},
		events: events.NewFakeRecorder(1000), now: time.Now(),
	}
	address := addressOf(t, databases)
	w.settings.Database = reconciler.DatabaseServer{Host: address.Host, Port: int(address.Port)}
	c, err := client.NewWithWatch(server.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w.client = w.writes.Client(c)
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: w.namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
	w.network = lab()
	w.network.UID, w.network.Namespace, w.network.Name = "", w.namespace, unique()
	if edit != nil {
		edit(w.network)
	}
	w.create(w.network)
	database := names(w.network).Database()
	t.Cleanup(func() { drop(t, database) })
	w.pod = newPod(t, w.network)
	w.restart()
	return w
}

func unique() string { return "t" + strings.ToLower(rand.Text()[:12]) }

func addressOf(t *testing.T, server *postgres.Server) *pgx.ConnConfig {
	t.Helper()
	address, err := pgx.ParseConfig(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func tenants(t *testing.T, server *postgres.Server, retention time.Duration) *reconciler.Tenants {
	t.Helper()
	pool, err := store.Open(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &reconciler.Tenants{Admin: pool, Retention: retention, Log: discard()}
}

func drop(t *testing.T, database string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := store.Open(ctx, storetest.Server(t).URL("postgres"))
	if err != nil {
		t.Error(err)
		return
	}
	defer pool.Close()
	if err := tenant.Drop(ctx, pool, database); err != nil {
		t.Error(err)
	}
}

// restart is a new operator with nothing in memory.
func (w *world) restart() {
	w.reconciler = &Reconciler{
		Settings: *w.settings, Databases: w.databases, Servers: w.pod.servers, Log: discard(), Version: "1.0.0",
		Now: func() time.Time { return w.now },
	}
	w.controller = w.reconciler.controller(w.client, w.client, w.events)
}

func (w *world) create(object client.Object) {
	w.t.Helper()
	if err := w.client.Create(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(name string, object client.Object) {
	w.t.Helper()
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, object); err != nil {
		w.t.Fatal(err)
	}
}

// gone reports whether there is no such object, or only until its finalizers are dropped.
func (w *world) gone(name string, object client.Object) bool {
	w.t.Helper()
	err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, object)
	if client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
	return err != nil || object.GetDeletionTimestamp() != nil
}

func (w *world) update(name string, object client.Object, change func()) {
	w.t.Helper()
	w.get(name, object)
	change()
	if err := w.client.Update(w.t.Context(), object, client.FieldOwner("somebody")); err != nil {
		w.t.Fatal(err)
	}
}

// change edits the network's spec.
func (w *world) change(edit func(*v1alpha1.ErgoNetworkSpec)) {
	w.t.Helper()
	w.update(w.network.Name, w.network, func() { edit(&w.network.Spec) })
}

// reconcile runs a pass, which must not fail, and reads the network anew.
func (w *world) reconcile() ctrl.Result {
	w.t.Helper()
	key := client.ObjectKeyFromObject(w.network)
	result, err := w.controller.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: key})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.client.Get(w.t.Context(), key, w.network); client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
	return result
}

// want checks a condition of the last pass.
func (w *world) want(kind string, status metav1.ConditionStatus, reason string, words ...string) {
	w.t.Helper()
	operatortest.WantCondition(w.t, w.network.Status.Conditions, kind, status, reason, words...)
}

// sync does what a kubelet does in its own time: it puts the configuration's Secret into the pod's files.
func (w *world) sync() {
	w.t.Helper()
	var secret corev1.Secret
	w.get(names(w.network).ConfigSecret(), &secret)
	w.pod.mount(secret.Data)
}

// issue does what cert-manager does. The pod gets the certificate only where its files are synced as well.
func (w *world) issue() (cert, key []byte) {
	w.t.Helper()
	w.pod.serial++
	cert, key = certificate(w.t, w.pod.serial)
	var c certmanager.Certificate
	w.get(names(w.network).Certificate(), &c)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: c.Spec.SecretName, Labels: c.Spec.SecretTemplate.Labels,
		Annotations: map[string]string{certmanager.CertificateNameKey: c.Name},
	}}
	data := map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key}
	if w.gone(c.Spec.SecretName, secret) {
		secret.Data, secret.Type = data, corev1.SecretTypeTLS
		w.create(secret)
	} else {
		w.update(c.Spec.SecretName, secret, func() { secret.Data = data })
	}
	c.Status.Conditions = []certmanager.CertificateCondition{{
		Type: certmanager.CertificateConditionReady, Status: certmeta.ConditionTrue, Reason: "Ready", ObservedGeneration: c.Generation,
	}}
	w.status(&c)
	return cert, key
}

func (w *world) syncCertificate(cert, key []byte) {
	w.pod.write("tls/tls.crt", cert)
	w.pod.write("tls/tls.key", key)
}

// admit does what a Gateway does.
func (w *world) admit() {
	w.t.Helper()
	accepted := func(parent gateway.ParentReference, generation int64) []gateway.RouteParentStatus {
		return []gateway.RouteParentStatus{{ParentRef: parent, ControllerName: "example.org/gateway", Conditions: []metav1.Condition{{
			Type: string(gateway.RouteConditionAccepted), Status: metav1.ConditionTrue, Reason: "Accepted",
			ObservedGeneration: generation, LastTransitionTime: metav1.Now(),
		}}}}
	}
	var tls gateway.TLSRoute
	w.get(names(w.network).IRCRoute(), &tls)
	tls.Status.Parents = accepted(tls.Spec.ParentRefs[0], tls.Generation)
	w.status(&tls)
	var http gateway.HTTPRoute
	w.get(names(w.network).WebRoute(), &http)
	http.Status.Parents = accepted(http.Spec.ParentRefs[0], http.Generation)
	w.status(&http)
}

// scheduled does what the Deployment's controller does once pods are as wanted.
func (w *world) scheduled() {
	w.t.Helper()
	var d appsv1.Deployment
	w.get(names(w.network).Workload(), &d)
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, Replicas: *d.Spec.Replicas, UpdatedReplicas: *d.Spec.Replicas,
		ReadyReplicas: *d.Spec.Replicas, AvailableReplicas: *d.Spec.Replicas,
	}
	w.status(&d)
}

func (w *world) status(object client.Object) {
	w.t.Helper()
	if err := w.client.Status().Update(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
}

// ready brings the network up, with its pod.
func (w *world) ready() {
	w.t.Helper()
	w.reconcile()
	w.syncCertificate(w.issue())
	w.admit()
	w.sync()
	w.pod.initialise()
	w.pod.run()
	w.scheduled()
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
}

func (w *world) template() appsv1.DeploymentSpec {
	w.t.Helper()
	var d appsv1.Deployment
	w.get(names(w.network).Workload(), &d)
	return d.Spec
}

// said takes the events so far.
func (w *world) said() string {
	var all strings.Builder
	for {
		select {
		case event := <-w.events.Events:
			all.WriteString(event + "\n")
		default:
			return all.String()
		}
	}
}
