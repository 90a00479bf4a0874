package ergo

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	appsv1 "k8s.io/api/apps/v1"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/longrunning/local/storetest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/network"
	"irc.now/shared/tenant"
)

func TestANetworkComesUpAndItsOwnerIsOperator(t *testing.T) {
	w := newWorld(t, nil)
	w.reconcile()
	w.want(v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
	w.want(v1alpha1.CertificateReady, metav1.ConditionFalse, naming.CertificatePending)
	w.want(v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodStarting)
	w.want(v1alpha1.Exposed, metav1.ConditionFalse, naming.NotAdmitted)
	w.want(v1alpha1.Reconciling, metav1.ConditionTrue, naming.CertificatePending)
	w.ready()
	status := w.network.Status
	if status.Host != w.network.Name+".net.irc.test" || status.Database != names(w.network).Database() ||
		status.ObservedGeneration != w.network.Generation || status.OperatorVersion != "1.0.0" {
		t.Errorf("%+v", status)
	}
	var login corev1.Secret
	w.get(names(w.network).OperatorSecret(), &login)
	ada := w.pod.connect("ada")
	ada.Expect("005", "NETWORK=LabNet")
	ada.Send("OPER " + string(login.Data[keyUser]) + " " + string(login.Data[keyPassword]))
	ada.Expect("381", "")
}

func TestWhatIsAsItShouldBeIsNotWritten(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	w.writes.Take()
	w.restart() // knows nothing of what it has applied and proved
	w.reconcile()
	if list := w.writes.Take(); len(list) > 0 {
		t.Errorf("a pass with nothing to do wrote %d times:\n%s", len(list), strings.Join(list, "\n"))
	}
}

func TestAChangeReachesTheServerWithoutARestart(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	before := w.template()
	running := &corev1.Pod{ObjectMeta: before.Template.ObjectMeta, Spec: before.Template.Spec}
	running.Namespace, running.Name = w.namespace, "running"
	w.create(running)
	ada := w.pod.connect("ada")
	ada.Expect("372", "Welcome")

	w.change(func(s *v1alpha1.ErgoNetworkSpec) { s.MOTD, s.MaxClients = "Moved to room 2.", new(int32(200)) })
	if result := w.reconcile(); result.RequeueAfter == 0 || result.RequeueAfter > retryLoad {
		t.Errorf("it looks again after %s", result.RequeueAfter)
	}
	w.want(v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.ConfigurationPending, "runs", "nobody is disconnected")
	var nudged corev1.Pod
	w.get(running.Name, &nudged)
	if nudged.Annotations[naming.Nudge] == "" {
		t.Error("the kubelet is not nudged")
	}
	w.writes.Take()
	w.reconcile()
	if list := w.writes.Take(); len(list) > 0 {
		t.Errorf("while it waits it wrote:\n%s", strings.Join(list, "\n"))
	}
	w.sync()
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	ada.Send("MOTD")
	ada.Expect("372", "Moved to room 2.")
	if !equality.Semantic.DeepEqual(before, w.template()) {
		t.Error("the Deployment changed")
	}
	if said := w.said(); !strings.Contains(said, naming.Reloaded) {
		t.Errorf("nobody is told:\n%s", said)
	}
}

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	ada := w.pod.connect("ada")
	cert, key := w.issue()
	w.reconcile()
	w.want(v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.ConfigurationPending)
	w.syncCertificate(cert, key)
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	expected, _ := fingerprintOf(cert)
	if shown, err := w.pod.servers.Serves(t.Context(), w.network, ""); err != nil || shown != expected {
		t.Errorf("%v: it serves another certificate", err)
	}
	ada.Send("PING :still here")
	ada.Expect("PONG", "still here")
}

func TestASuspendedNetworkKeepsItsVolume(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	volume := names(w.network).Volume(w.network.UID)
	w.change(func(s *v1alpha1.ErgoNetworkSpec) { s.Suspended = true })
	w.reconcile()
	if replicas := *w.template().Replicas; replicas != 0 {
		t.Errorf("%d pods", replicas)
	}
	w.scheduled()
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionFalse, naming.Suspended, "as asked")
	if meta.FindStatusCondition(w.network.Status.Conditions, v1alpha1.Stalled) != nil || w.gone(volume, &corev1.PersistentVolumeClaim{}) {
		t.Error("it is stalled, or its volume is gone")
	}
	w.change(func(s *v1alpha1.ErgoNetworkSpec) { s.Suspended, s.OverPlan = false, true })
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionFalse, naming.OverPlan, "its owner's plan does not include it")
	w.change(func(s *v1alpha1.ErgoNetworkSpec) { s.OverPlan = false })
	w.reconcile()
	w.scheduled()
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
}

func TestADeletedNetworkLeavesTombstonesAndNothingElse(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	n, volume := w.network.DeepCopy(), names(w.network).Volume(w.network.UID)
	w.delete()
	if !w.gone(n.Name, &v1alpha1.ErgoNetwork{}) || !w.gone(names(n).Workload(), &appsv1.Deployment{}) || !w.gone(names(n).Certificate(), &corev1.Secret{}) {
		t.Error("the network, its pod or its certificate is there still")
	}
	if found := databases(t, names(n).Database()); len(found) != 1 || !strings.HasPrefix(found[0], "deleted_"+names(n).Database()) {
		t.Errorf("databases are %v", found)
	}
	var claim corev1.PersistentVolumeClaim
	w.get(volume, &claim)
	if claim.Annotations[naming.Expires] == "" || len(claim.OwnerReferences) != 0 {
		t.Errorf("%+v", claim.ObjectMeta)
	}
	sweeper := &Sweeper{Client: w.client, Log: discard(), Now: func() time.Time { return w.now.Add(59 * time.Minute) }}
	if err := sweeper.Sweep(t.Context()); err != nil || w.gone(volume, &claim) {
		t.Errorf("%v: the volume is gone before its time", err)
	}
	sweeper.Now = func() time.Time { return w.now.Add(61 * time.Minute) }
	if err := sweeper.Sweep(t.Context()); err != nil || !w.gone(volume, &claim) {
		t.Errorf("%v: the volume is there after its time", err)
	}
}

func TestWithoutRetentionTheVolumeGoesAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.settings.Retention, w.databases = 0, tenants(t, storetest.Server(t), 0)
	w.restart()
	w.reconcile()
	n := w.network.DeepCopy()
	w.delete()
	if !w.gone(names(n).Volume(n.UID), &corev1.PersistentVolumeClaim{}) || len(databases(t, names(n).Database())) != 0 {
		t.Error("the volume or the database is there still")
	}
}

// delete deletes the network and lets the operator finish that.
func (w *world) delete() {
	w.t.Helper()
	if err := w.client.Delete(w.t.Context(), w.network); err != nil {
		w.t.Fatal(err)
	}
	w.reconcile()
	database := names(w.network).Database()
	w.t.Cleanup(func() {
		for _, left := range databases(w.t, database) {
			drop(w.t, left)
		}
	})
}

// databases are those whose names hold name.
func databases(t *testing.T, name string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool := tenants(t, storetest.Server(t), 0).Admin
	rows, err := pool.Query(ctx, `SELECT datname FROM pg_database WHERE strpos(datname, $1) > 0`, name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		found = append(found, one)
	}
	return found
}

func TestWhatIsEditedByHandIsTakenOverOrPutRight(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	var login, files corev1.Secret
	w.update(names(w.network).OperatorSecret(), &login, func() { login.Data[keyPassword] = []byte("my-own-password") })
	w.update(names(w.network).ConfigSecret(), &files, func() { files.Data[keyConfig] = []byte("hacked: true") })
	w.reconcile()
	w.get(names(w.network).OperatorSecret(), &login)
	w.get(names(w.network).ConfigSecret(), &files)
	hash := string(login.Data[keyHash])
	if string(login.Data[keyPassword]) != "my-own-password" || !network.PasswordMatches(hash, "my-own-password") {
		t.Error("the password is not taken over")
	}
	if text := string(files.Data[keyConfig]); strings.Contains(text, "hacked") || !strings.Contains(text, hash) {
		t.Error("the configuration is not put right")
	}
	w.sync()
	w.reconcile()
	ada := w.pod.connect("ada")
	ada.Send("OPER " + string(login.Data[keyUser]) + " my-own-password")
	ada.Expect("381", "")

	w.said()
	w.update(names(w.network).OperatorSecret(), &login, func() { login.Data = map[string][]byte{keyPassword: []byte("two words")} })
	w.reconcile()
	w.get(names(w.network).OperatorSecret(), &login)
	if !network.UsablePassword(config.Secret(login.Data[keyPassword])) || string(login.Data[keyUser]) != "ada" {
		t.Error("an unusable password stays")
	}
	if said := w.said(); !strings.Contains(said, naming.PasswordReplaced) {
		t.Errorf("nobody is told:\n%s", said)
	}
}

func TestANameThatErgoDoesNotTakeIsSaid(t *testing.T) {
	w := newWorld(t, func(n *v1alpha1.ErgoNetwork) { n.Spec.NetworkName = "-lab" })
	w.reconcile()
	w.want(v1alpha1.Stalled, metav1.ConditionTrue, naming.Refused, `"-lab"`, "one word")
	w.change(func(s *v1alpha1.ErgoNetworkSpec) { s.NetworkName = "lab" })
	w.ready()
}

// away is a database server that nobody reaches.
type away struct{}

func (away) Ensure(context.Context, string, string, tenant.Passwords) (tenant.Credentials, error) {
	return tenant.Credentials{}, fault.New(fault.Unavailable, "away")
}

func (away) Bury(context.Context, string, string) error { return fault.New(fault.Unavailable, "away") }

func TestADatabaseThatIsAwayStopsOnlyWhatNeedsIt(t *testing.T) {
	w := newWorld(t, nil)
	w.databases = away{}
	w.restart()
	w.reconcile()
	w.want(v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.DatabaseUnavailable)
	w.want(v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.WaitsForOther)
	w.settings.History = HistoryMemory
	w.restart()
	w.reconcile()
	w.want(v1alpha1.DatabaseReady, metav1.ConditionFalse, naming.DatabaseUnavailable)
	w.want(v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodStarting)
}

func TestThePodKeepsToPodSecurity(t *testing.T) {
	w := newWorld(t, nil)
	w.reconcile()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "probe"}, Spec: w.template().Template.Spec,
	}
	w.create(pod) // the namespace enforces "restricted"
	loose := pod.DeepCopy()
	loose.ResourceVersion, loose.Name, loose.Spec.SecurityContext = "", "loose", nil
	if err := w.client.Create(t.Context(), loose); err == nil {
		t.Error("the namespace enforces nothing")
	}
}

func TestAVolumeThatCannotGrowIsNoTrouble(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	w.settings.StorageSize = resource.MustParse("2Gi")
	w.restart()
	w.reconcile() // nothing has provisioned the claim, so the API server refuses
	w.want(v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
}

func TestAServerThatDoesNotAnswerIsSaid(t *testing.T) {
	w := newWorld(t, nil)
	w.ready()
	nobody := serverstest.Address(t).String()
	w.pod.servers.API = func(*v1alpha1.ErgoNetwork) string { return nobody }
	w.restart()
	if result := w.reconcile(); result.RequeueAfter == 0 {
		t.Error("it does not look again")
	}
	w.want(v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodStarting, "does not answer")
}

func TestAStoreThatCannotBeMadeIsSaid(t *testing.T) {
	w := newWorld(t, nil)
	w.reconcile()
	template := w.template().Template
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Namespace, pod.Name = w.namespace, "failing"
	w.create(pod)
	pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{
		Name: initContainer, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
	}}
	w.status(pod)
	var d appsv1.Deployment
	w.get(names(w.network).Workload(), &d)
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 1, UpdatedReplicas: 1, UnavailableReplicas: 1}
	w.status(&d)
	w.reconcile()
	w.want(v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodFailing, initContainer)
}
