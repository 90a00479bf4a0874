package soju

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"irc.now/longrunning/local/storetest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/shared/tenant"
)

// as runs sql on the database as the user of the Secret's key, with the password beside it.
func (w *world) as(database, user, password, sql string) error {
	w.t.Helper()
	address, err := url.Parse(storetest.Server(w.t).URL(database))
	if err != nil {
		w.t.Fatal(err)
	}
	address.User = url.UserPassword(user, password)
	conn, err := pgx.Connect(w.t.Context(), address.String())
	if err != nil {
		return err
	}
	defer conn.Close(w.t.Context())
	_, err = conn.Exec(w.t.Context(), sql)
	return err
}

func (w *world) credentials(name string) map[string]string {
	w.t.Helper()
	var secret corev1.Secret
	w.get(name+"-database", &secret)
	values := map[string]string{}
	for key, value := range secret.Data {
		values[key] = string(value)
	}
	return values
}

// database makes one by hand, with something in it.
func (w *world) database(name string) {
	w.t.Helper()
	admin := w.tenants.Admin
	if _, err := admin.Exec(w.t.Context(), `CREATE DATABASE `+name); err != nil {
		w.t.Fatal(err)
	}
	if err := w.as(name, w.superuser(), w.superpassword(), `CREATE TABLE precious AS SELECT 42 AS n`); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) superuser() string     { return w.tenants.Admin.Config().ConnConfig.User }
func (w *world) superpassword() string { return w.tenants.Admin.Config().ConnConfig.Password }

func (w *world) databases(prefix string) []string {
	w.t.Helper()
	rows, err := w.tenants.Admin.Query(w.t.Context(), `SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1`, prefix)
	if err != nil {
		w.t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

func TestADatabaseThatExistsAlreadyIsLeftAloneUntilItIsHandedOver(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	w.database("soju_taken")
	b := w.bouncer("taken", nil)
	if again := w.reconcile(b).RequeueAfter; again <= 0 || again > time.Minute {
		t.Errorf("nobody looks whether it is gone: again after %s", again)
	}
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.DatabaseConflict, "soju_taken", "administrator of the database server", "Nothing in it was touched")
	w.want(b, v1alpha1.Ready, metav1.ConditionFalse, naming.DatabaseConflict)
	w.want(b, v1alpha1.Stalled, metav1.ConditionTrue, naming.DatabaseConflict)
	w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.WaitsForOther, "DatabaseReady")
	if err := w.as("soju_taken", w.superuser(), w.superpassword(), `SELECT n FROM precious`); err != nil {
		t.Error(err)
	}
	// Who may edit bouncers must not get at databases by that.
	w.update(b, func() { b.Annotations = map[string]string{"irc.now/adopt-database": "true"} })
	w.reconcile(b)
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.DatabaseConflict)
	if _, err := w.tenants.Admin.Exec(t.Context(), `COMMENT ON DATABASE soju_taken IS 'irc.now tenant of `+string(b.UID)+`'`); err != nil {
		t.Fatal(err)
	}
	w.reconcile(b)
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
	w.absent(b, v1alpha1.Stalled)
	c := w.credentials("taken")
	if err := w.as("soju_taken", c["user"], c["password"], `CREATE TABLE mine ()`); err != nil {
		t.Error(err)
	}
}

func TestAPasswordEditedByHandBecomesTheRoles(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.ready("edited", nil)
	checksum := w.checksum("edited")
	const chosen = "correct-horse-battery-staple"
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "edited-database"}}
	w.update(secret, func() { secret.Data["password"] = []byte(chosen + "\n") })
	w.reconcile(b)
	c := w.credentials("edited")
	if c["password"] != chosen || !strings.Contains(c["uri"], ":"+chosen+"@") {
		t.Errorf("the Secret holds %q and %q", c["password"], c["uri"])
	}
	if err := w.as("soju_edited", c["user"], chosen, `SELECT 1`); err != nil {
		t.Error(err)
	}
	if w.checksum("edited") == checksum {
		t.Error("soju would not be restarted with the new password")
	}
}

func TestMissingAndUnusablePasswordsAreMadeAnew(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.ready("broken", nil)
	was := w.credentials("broken")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "broken-database"}}
	w.update(secret, func() {
		delete(secret.Data, "password")
		secret.Data["reader-password"] = []byte("a b\x00c d e f g h")
		secret.Data["uri"] = []byte("nonsense")
	})
	w.reconcile(b)
	w.works(b, was)
	if err := w.client.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.reconcile(b)
	w.works(b, was)
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
}

// works checks that the credentials are other ones than before, and good.
func (w *world) works(b *v1alpha1.SojuBouncer, was map[string]string) {
	w.t.Helper()
	c := w.credentials(b.Name)
	if c["password"] == was["password"] || c["reader-password"] == was["reader-password"] || c["uri"] == "nonsense" {
		w.t.Errorf("the Secret holds %v", c)
	}
	for user, password := range map[string]string{c["user"]: c["password"], c["reader-user"]: c["reader-password"]} {
		if err := w.as(c["dbname"], user, password, `SELECT 1`); err != nil {
			w.t.Errorf("%s: %v", user, err)
		}
	}
}

func (w *world) checksum(name string) string {
	w.t.Helper()
	var d appsv1.Deployment
	w.get(name, &d)
	return d.Spec.Template.Annotations[naming.Checksum]
}

func TestADeletedBouncersDatabaseIsKeptForAWhile(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	storetest.Alone(t, "tombs")
	now := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) // nobody else's are due then
	w.tenants.Now = func() time.Time { return now }
	b, other := w.ready("deleted", nil), w.ready("other", nil)
	c := w.credentials("deleted")
	if err := w.as("soju_deleted", c["user"], c["password"], `CREATE TABLE kept AS SELECT 1`); err != nil {
		t.Fatal(err)
	}
	// cert-manager fills it, and leaves it behind.
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: "deleted-tls", Labels: naming.Bouncer("deleted").Labels(b.Spec.Owner),
		Annotations: map[string]string{certmanager.CertificateNameKey: "deleted-tls"},
	}}
	if err := w.client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if err := w.client.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds nothing left to do
		if _, err := w.pass(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(b), b); !apierrors.IsNotFound(err) {
		t.Fatalf("the bouncer is still there: %v", err)
	}
	if !strings.Contains(strings.Join(w.told(), "\n"), "Normal "+naming.DatabaseBuried) {
		t.Error("nobody is told that the database is put aside")
	}
	if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); !apierrors.IsNotFound(err) {
		t.Errorf("the certificate's Secret is still there: %v", err)
	}
	buried := w.databases("deleted_soju_deleted_")
	if len(buried) != 1 || len(w.databases("soju_deleted")) != 0 {
		t.Fatalf("buried are %v", buried)
	}
	if err := w.as(buried[0], c["user"], c["password"], `SELECT 1`); err == nil {
		t.Error("its owner may still log in")
	}
	again := w.bouncer("deleted", nil)
	w.reconcile(again)
	w.want(again, v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.BeingRemoved, "Secret deleted-database", "still being removed")
	w.collect(b)
	w.reconcile(again)
	w.want(again, v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
	if c := w.credentials(again.Name); w.as("soju_deleted", c["user"], c["password"], `SELECT FROM kept`) == nil {
		t.Error("a new bouncer of the name sees the old one's data")
	}
	now = now.Add(59 * time.Minute)
	w.sweep(buried[0], true)
	now = now.Add(time.Minute)
	w.sweep(buried[0], false)
	w.reconcile(other)
	w.want(other, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	if o := w.credentials("other"); w.as("soju_other", o["user"], o["password"], `SELECT 1`) != nil {
		t.Error("another bouncer's database was touched")
	}
}

// collect does what a cluster's garbage collector would.
func (w *world) collect(b *v1alpha1.SojuBouncer) {
	w.t.Helper()
	for _, list := range []client.ObjectList{
		&corev1.SecretList{}, &corev1.ConfigMapList{}, &corev1.ServiceList{}, &appsv1.DeploymentList{}, &networkingv1.NetworkPolicyList{},
		&policyv1.PodDisruptionBudgetList{}, &certmanager.CertificateList{}, &gateway.TLSRouteList{}, &gateway.HTTPRouteList{},
	} {
		if err := w.client.List(w.t.Context(), list, client.InNamespace(w.namespace)); err != nil {
			w.t.Fatal(err)
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			object, ok := item.(client.Object)
			if !ok || !slices.ContainsFunc(object.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == b.UID }) {
				return nil
			}
			return w.client.Delete(w.t.Context(), object)
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// sweep drops what is due and checks whether name is still there.
func (w *world) sweep(name string, stays bool) {
	w.t.Helper()
	if _, err := tenant.Sweep(w.t.Context(), w.tenants.Admin, w.tenants.Now()); err != nil {
		w.t.Fatal(err)
	}
	if got := len(w.databases(name)) == 1; got != stays {
		w.t.Errorf("%s is there: %t, want %t", name, got, stays)
	}
}

func TestADatabaseServerThatIsAwayIsWaitedFor(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer("away", nil)
	nowhere, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?connect_timeout=2")
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	there := w.tenants.Admin
	w.tenants.Admin = nowhere
	result := w.reconcile(b)
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.DatabaseUnavailable, "tries again")
	w.want(b, v1alpha1.Reconciling, metav1.ConditionTrue, naming.DatabaseUnavailable)
	if result.RequeueAfter == 0 || result.RequeueAfter > time.Minute {
		t.Errorf("it is tried again after %s", result.RequeueAfter)
	}
	if err := w.client.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pass(b); err == nil {
		t.Error("the finalizer was dropped though the database could not be put aside")
	}
	w.get("away", b)
	w.want(b, v1alpha1.Ready, metav1.ConditionFalse, naming.Failed, "not deleted yet", "tries again")
	if !strings.Contains(strings.Join(w.told(), "\n"), "Warning "+naming.Failed+" It is not deleted yet") {
		t.Error("no event tells that it stays")
	}
	w.tenants.Admin = there
	if _, err := w.pass(b); err != nil {
		t.Error(err)
	}
	if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(b), b); !apierrors.IsNotFound(err) {
		t.Error("the bouncer is still there")
	}
}

// One that takes connections and never answers must not keep a worker for ever.
func TestADatabaseServerThatHangsIsGivenUp(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer("hanging", nil)
	conn, err := w.tenants.Admin.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	const lock = `(hashtextextended('tenant soju_hanging', 0))`
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock`+lock); err != nil {
		t.Fatal(err)
	}
	w.controller.Patience = 2 * time.Second
	w.reconcile(b)
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.DatabaseUnavailable, "tries again")
	w.want(b, v1alpha1.CertificateReady, metav1.ConditionFalse, naming.CertificatePending)
	if err := w.client.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pass(b); err == nil {
		t.Error("the finalizer was dropped though the database could not be put aside")
	}
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_unlock`+lock); err != nil {
		t.Fatal(err)
	}
	w.controller.Patience = 0
	if _, err := w.pass(b); err != nil {
		t.Error(err)
	}
}
