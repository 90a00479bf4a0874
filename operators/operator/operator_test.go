package operator

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/longrunning/local/storetest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/operators/reconciler"
	"irc.now/shared/key/keytest"
	"irc.now/shared/program"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
	"irc.now/tests/alert"
	"irc.now/tests/eventually"
)

// asOperator makes the test's own program run as the operator, of the version that it holds.
const asOperator = "TEST_AS_OPERATOR"

// patience is for an operator to do what it should, on a machine that is busy.
const patience = time.Minute

func TestMain(m *testing.M) {
	if as := os.Getenv(asOperator); as != "" {
		program.Main(Program(as))
	}
	os.Exit(operatortest.Main(m, operatortest.Options{
		CRDs: []operatortest.Source{operatortest.Gateway, operatortest.CertManager},
	}))
}

// world is a pair of namespaces on a real API server, and a real PostgreSQL.
type world struct {
	t         *testing.T
	server    *operatortest.Server
	client    client.WithWatch
	namespace string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := operatortest.Shared(t)
	scheme, err := reconciler.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewWithWatch(server.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, server: server, client: c, namespace: name()}
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}})
	return w
}

// name is a new one: databases are of the whole server, which other tests use too.
func name() string { return "t" + strings.ToLower(rand.Text()[:12]) }

func (w *world) create(object client.Object) {
	w.t.Helper()
	if err := w.client.Create(w.t.Context(), object); err != nil {
		w.t.Fatal(err)
	}
}

// running is an operator's process.
type running struct {
	t               *testing.T
	cmd             *exec.Cmd
	metrics, health string
	ended           chan struct{}
	err             error // set before ended is closed
}

// start runs an operator of a version, as an administrator.
func (w *world) start(version string, env ...string) *running {
	w.t.Helper()
	return w.startAs(w.server.Kubeconfig(w.t), serverstest.LogWriter(w.t), version, env...)
}

// startAs runs an operator with somebody's rights.
func (w *world) startAs(kubeconfig string, log io.Writer, version string, env ...string) *running {
	w.t.Helper()
	o := &running{
		t: w.t, metrics: serverstest.Address(w.t).String(), health: serverstest.Address(w.t).String(), ended: make(chan struct{}),
	}
	o.cmd = exec.CommandContext(context.Background(), os.Args[0]) // it is stopped by signals, which is under test
	o.cmd.Env = append([]string{
		asOperator + "=" + version, "KUBECONFIG=" + kubeconfig, "HOME=" + w.t.TempDir(),
		"DOMAIN=irc.test", "TENANT_NAMESPACE=" + w.namespace, "LEADER_ELECTION_NAMESPACE=" + w.namespace,
		"DATABASE_ADMIN_URL=" + storetest.Server(w.t).URL("postgres"), "DATABASE_HOST=database.irc-now.svc.cluster.local", "NAMESERVERS=10.96.0.10",
		"BOUNCER_ADMIN_KEY_FILE=" + keytest.File(w.t, "the key that all tokens of bouncers come from"),
		"INTROSPECT_KEY_FILE=" + keytest.File(w.t, "the key that all secrets of bouncers come from"),
		"NETWORK_KEY_FILE=" + keytest.File(w.t, "the key that all tokens of networks come from"), "INTROSPECT_URL=http://introspect.irc-now.svc.cluster.local", "OIDC_ISSUER=https://auth.irc.test", "CHAT_CLIENT_ID=chat",
		"CERTIFICATE_ISSUER_NAME=irc-now", "GATEWAY_NAMESPACE=irc-now", "GATEWAY_NAME=irc-now",
		"SOJU_IMAGE=soju", "ERGO_IMAGE=ergo", "CHAT_IMAGE=chat", "BOUNCERADMIN_IMAGE=bounceradmin", "FRONT_IMAGE=front",
		"METRICS_ADDRESS=" + o.metrics, "HEALTH_ADDRESS=" + o.health, "LOG_FORMAT=json",
	}, env...)
	o.cmd.Stdout, o.cmd.Stderr = log, log
	if err := o.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { defer close(o.ended); o.err = o.cmd.Wait() }()
	w.t.Cleanup(func() { _ = o.cmd.Process.Kill(); <-o.ended }) // it writes into the test's folders until then
	return o
}

// stop tells the operator to stop, and wants it to end well.
func (o *running) stop() {
	o.t.Helper()
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		o.t.Fatal(err)
	}
	select {
	case <-o.ended:
		if o.err != nil {
			o.t.Errorf("the operator ended with %v", o.err)
		}
	case <-time.After(patience):
		o.t.Fatal("the operator does not stop")
	}
}

func (o *running) get(address, path string) (int, string) {
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		o.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

func (w *world) bouncer() *v1alpha1.SojuBouncer {
	w.t.Helper()
	b := &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name()},
		Spec:       v1alpha1.SojuBouncerSpec{Owner: "ada", Role: v1alpha1.RoleDedicated},
	}
	w.create(b)
	w.t.Cleanup(func() { drop(w.t, naming.Bouncer(b.Name).Database()) })
	return b
}

func (w *world) network() *v1alpha1.ErgoNetwork {
	w.t.Helper()
	n := &v1alpha1.ErgoNetwork{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name()},
		Spec:       v1alpha1.ErgoNetworkSpec{Owner: "ada", MaxClients: new(int32(50)), NetworkName: "LabNet"},
	}
	w.create(n)
	w.t.Cleanup(func() { drop(w.t, naming.Network(n.Name).Database()) })
	return n
}

func drop(t *testing.T, database string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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

// await watches until an object of list's kind called name is as wanted.
func (w *world) await(list client.ObjectList, name, what string, wanted func(client.Object) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	watch, err := w.client.Watch(ctx, list, client.InNamespace(w.namespace))
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Stop()
	var last client.Object
	for {
		select {
		case <-ctx.Done():
			w.t.Fatalf("%s did not come; last seen: %+v", what, last)
		case event := <-watch.ResultChan():
			object, ok := event.Object.(client.Object)
			if !ok || object.GetName() != name {
				continue
			}
			last = object
			if wanted(object) {
				return
			}
		}
	}
}

func listOf(object reconciler.Object) client.ObjectList {
	if _, ok := object.(*v1alpha1.ErgoNetwork); ok {
		return &v1alpha1.ErgoNetworkList{}
	}
	return &v1alpha1.SojuBouncerList{}
}

func statusOf(seen client.Object) *v1alpha1.Status {
	if object, ok := seen.(reconciler.Object); ok {
		return object.GetStatus()
	}
	return &v1alpha1.Status{}
}

func (w *world) awaitReason(object reconciler.Object, condition, reason string) {
	w.t.Helper()
	w.await(listOf(object), object.GetName(), condition+" because of "+reason, func(seen client.Object) bool {
		c := meta.FindStatusCondition(statusOf(seen).Conditions, condition)
		return c != nil && c.Reason == reason
	})
}

func (w *world) awaitCondition(object reconciler.Object, condition string, status metav1.ConditionStatus, version string) {
	w.t.Helper()
	what := fmt.Sprintf("%s=%s of %s by version %s", condition, status, object.GetName(), version)
	w.await(listOf(object), object.GetName(), what, func(seen client.Object) bool {
		s := statusOf(seen)
		c := meta.FindStatusCondition(s.Conditions, condition)
		return c != nil && c.Status == status && c.ObservedGeneration == seen.GetGeneration() && s.OperatorVersion == version
	})
}

// holder is who has the lease.
func (w *world) holder() string {
	w.t.Helper()
	var lease coordinationv1.Lease
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: leaseName}, &lease); err != nil {
		w.t.Fatal(err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

func TestItMakesBothKinds(t *testing.T) {
	w := newWorld(t)
	b, n := w.bouncer(), w.network()
	o := w.start("1.0.0")
	w.awaitCondition(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.0")
	w.awaitCondition(n, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.0")
	w.awaitCondition(n, v1alpha1.Ready, metav1.ConditionFalse, "1.0.0")
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, text := o.get(o.health, path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	for _, path := range []string{"/health/liveness", "/health/readiness", "/debug/pprof/cmdline"} {
		if code, text := o.get(o.metrics, path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	_, text := o.get(o.metrics, "/metrics")
	for _, want := range []string{
		`controller_runtime_reconcile_time_seconds_count{controller="soju"}`, `controller_runtime_reconcile_time_seconds_count{controller="ergo"}`,
		`controller_runtime_reconcile_errors_total{controller="ergo"}`, `workqueue_depth{controller="ergo"`,
		`leader_election_master_status{name="irc-now-operator"} 1`, `postgres_pool_`, `irc_network_up{network="` + n.Name + `"} 0`, `go_goroutines`,
		`irc_now_build_info{go="go1`, `version="1.0.0"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	lacking, err := alert.Lacking("../..", text, alert.Operator)
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range lacking {
		t.Errorf("an alert needs %s", metric)
	}
	o.stop()
	if holder := w.holder(); holder != "" {
		t.Errorf("the lead was not given back: %s has it", holder)
	}
}

func TestOnlyOneActsAndAnOlderOneLeavesThingsAlone(t *testing.T) {
	w := newWorld(t)
	n := w.network()
	old := w.start("1.9.0")
	w.awaitCondition(n, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.9.0")
	first := w.holder()
	young := w.start("1.10.0")
	ready(t, young)
	second := w.network()
	w.awaitCondition(second, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.9.0")
	if holder := w.holder(); holder != first {
		t.Fatalf("%s leads, though %s runs", holder, first)
	}
	old.stop()
	w.awaitCondition(n, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.10.0")

	again := w.start("1.9.0")
	ready(t, again)
	young.stop()
	w.change(n, "Other")
	w.awaitCondition(n, v1alpha1.Stalled, metav1.ConditionTrue, "1.10.0")
	if condition := meta.FindStatusCondition(w.read(n).Status.Conditions, v1alpha1.Stalled); condition.Reason != naming.NewerVersion ||
		!strings.Contains(condition.Message, "1.10.0") {
		t.Errorf("it says %s: %s", condition.Reason, condition.Message)
	}
	if text := w.config(n); !strings.Contains(text, "LabNet") {
		t.Error("the older operator changed the configuration")
	}
	third := w.network() // nobody's yet
	w.awaitCondition(third, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.9.0")
	again.stop()

	meant := w.start("1.9.0", "ALLOW_DOWNGRADE=true")
	w.awaitCondition(n, v1alpha1.DatabaseReady, metav1.ConditionTrue, "")
	if text := w.config(n); !strings.Contains(text, "Other") {
		t.Error("the older operator did not change the configuration, though it may")
	}
	meant.stop()
}

func TestAKilledOperatorsWorkIsTakenUp(t *testing.T) {
	w := newWorld(t)
	first := w.start("1.0.0")
	ready(t, first)
	networks := make([]*v1alpha1.ErgoNetwork, 10)
	for i := range networks {
		networks[i] = w.network()
	}
	w.awaitCondition(networks[0], v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.0")
	if err := first.cmd.Process.Kill(); err != nil { // with most of the ten under way
		t.Fatal(err)
	}
	if <-first.ended; first.err == nil {
		t.Error("it ended well")
	}
	w.start("1.0.1")
	for _, n := range networks {
		w.awaitCondition(n, v1alpha1.DatabaseReady, metav1.ConditionTrue, "1.0.1")
	}
}

// ready waits until an operator answers its probes.
func ready(t *testing.T, o *running) {
	t.Helper()
	eventually.Within(t, patience, func(context.Context) error {
		code, _ := o.get(o.health, "/readyz")
		return eventually.True(code == http.StatusOK, "the operator does not get ready (%d)", code)
	})
}

func (w *world) change(n *v1alpha1.ErgoNetwork, networkName string) {
	w.t.Helper()
	read := w.read(n)
	before := read.DeepCopy()
	read.Spec.NetworkName = networkName
	if err := w.client.Patch(w.t.Context(), read, client.MergeFrom(before)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(n *v1alpha1.ErgoNetwork) *v1alpha1.ErgoNetwork {
	w.t.Helper()
	var read v1alpha1.ErgoNetwork
	if err := w.client.Get(w.t.Context(), client.ObjectKeyFromObject(n), &read); err != nil {
		w.t.Fatal(err)
	}
	return &read
}

// config is the configuration that a network's server is given.
func (w *world) config(n *v1alpha1.ErgoNetwork) string {
	w.t.Helper()
	var secret corev1.Secret
	key := types.NamespacedName{Namespace: w.namespace, Name: naming.Network(n.Name).ConfigSecret()}
	if err := w.client.Get(w.t.Context(), key, &secret); err != nil {
		w.t.Fatal(err)
	}
	return string(secret.Data["ergo.yaml"])
}

func TestAWrongEnvironmentIsReportedWhole(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{asOperator + "=1.0.0", "CONTROLLERS=soju,irc", "ERGO_HISTORY=tape", "ERGO_STORAGE_SIZE=-1", "DATABASE_PORT=hunter2"}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("it ends without an error")
	}
	for _, want := range []string{
		"CONTROLLERS may hold", "ERGO_HISTORY must be", "ERGO_STORAGE_SIZE is no size", "DATABASE_PORT is not a whole number",
		"DOMAIN is not set", "BOUNCER_ADMIN_KEY_FILE is not set", "INTROSPECT_KEY_FILE is not set", "NETWORK_KEY_FILE is not set", "DATABASE_ADMIN_URL is not set", "SOJU_IMAGE is not set",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "hunter2") {
		t.Error("it repeats a value")
	}
}
