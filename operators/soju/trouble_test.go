package soju

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	routev1 "github.com/openshift/api/route/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/shared/bouncer"
)

func TestACertificateThatNeverComesSaysSinceWhenAndWhereToLook(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer("uncertified", nil)
	w.reconcile(b)
	w.want(b, v1alpha1.CertificateReady, metav1.ConditionFalse, naming.CertificatePending,
		"uncertified.irc.test", "since 20", "Certificate uncertified-tls", w.namespace, "ClusterIssuer irc-now")
	since := metav1.Date(2026, 1, 2, 3, 4, 5, 0, metav1.Now().UTC().Location())
	var c certmanager.Certificate
	w.get("uncertified-tls", &c)
	c.Status.Conditions = []certmanager.CertificateCondition{{
		Type: certmanager.CertificateConditionReady, Status: certmeta.ConditionFalse, Reason: "DoesNotExist",
		Message: "Issuing certificate as Secret does not exist", LastTransitionTime: &since,
	}}
	w.status(&c)
	w.reconcile(b)
	w.want(b, v1alpha1.CertificateReady, metav1.ConditionFalse, naming.CertificatePending,
		"since 2026-01-02 03:04 UTC", "Secret does not exist", "CertificateRequest")
	w.want(b, v1alpha1.Exposed, metav1.ConditionFalse, naming.NotAdmitted, "no Gateway has taken up the TLSRoute")
	w.writes.Take()
	w.reconcile(b)
	if list := w.writes.Take(); len(list) > 0 {
		t.Errorf("waiting writes: %s", list)
	}
}

func TestKindsThatTheClusterLacksAreSaid(t *testing.T) {
	w := newWorld(t, operatortest.Start(t, operatortest.Options{}))
	b := w.bouncer("bare", nil)
	result := w.reconcile(b)
	w.want(b, v1alpha1.Exposed, metav1.ConditionFalse, naming.NoExposureAPI, "OpenShift", "Gateway API", "administrator")
	w.want(b, v1alpha1.CertificateReady, metav1.ConditionFalse, naming.NoCertificateAPI, "cert-manager")
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
	if result.RequeueAfter == 0 {
		t.Error("they are never looked for again")
	}
}

func TestOnOpenShiftThereAreRoutes(t *testing.T) {
	w := newWorld(t, operatortest.Start(t, operatortest.Options{
		CRDs: []operatortest.Source{operatortest.Route, operatortest.CertManager, operatortest.Gateway},
	}))
	b := w.bouncer("routed", nil)
	w.reconcile(b)
	w.want(b, v1alpha1.Exposed, metav1.ConditionFalse, naming.NotAdmitted, "no router has taken up the Route routed-irc")
	for name, want := range map[string]routev1.RouteSpec{
		"routed-irc": {Port: &routev1.RoutePort{TargetPort: portOf(6697)}, TLS: &routev1.TLSConfig{Termination: routev1.TLSTerminationPassthrough}},
		"routed-web": {Port: &routev1.RoutePort{TargetPort: portOf(8081)}, TLS: &routev1.TLSConfig{Termination: routev1.TLSTerminationEdge}},
	} {
		var route routev1.Route
		w.get(name, &route)
		if route.Spec.Host != "routed.irc.test" || route.Spec.To.Name != "routed" || route.Spec.Port.TargetPort != want.Port.TargetPort ||
			route.Spec.TLS.Termination != want.TLS.Termination {
			t.Errorf("%s is %+v", name, route.Spec)
		}
		route.Status.Ingress = []routev1.RouteIngress{{RouterName: "irc", Host: route.Spec.Host, Conditions: []routev1.RouteIngressCondition{{
			Type: routev1.RouteAdmitted, Status: corev1.ConditionTrue,
		}}}}
		w.status(&route)
	}
	var none gateway.TLSRouteList
	if err := w.client.List(t.Context(), &none); err != nil || len(none.Items) > 0 {
		t.Errorf("there are %d TLSRoutes as well, %v", len(none.Items), err)
	}
	w.run("routed")
	w.issue("routed")
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	w.writes.Take()
	w.reconcile(b)
	if list := w.writes.Take(); len(list) > 0 {
		t.Errorf("a steady pass wrote %s", list)
	}
	var route routev1.Route
	w.get("routed-irc", &route)
	route.Status.Ingress[0].Conditions[0].Status = corev1.ConditionFalse
	route.Status.Ingress[0].Conditions[0].Message = "route x already exposes routed.irc.test"
	w.status(&route)
	w.reconcile(b)
	w.want(b, v1alpha1.Exposed, metav1.ConditionFalse, naming.NotAdmitted, "already exposes")
}

func portOf(port int32) intstr.IntOrString { return intstr.FromInt32(port) }

func TestAnOlderOperatorLeavesWhatANewerOneLookedAfter(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	w.version = "2.0.0"
	w.restart()
	b := w.ready("versions", nil)
	w.update(b, func() { b.Spec.Title = "Another" })
	w.version = "1.9.3"
	w.restart()
	checksum, observed := w.checksum("versions"), b.Status.ObservedGeneration
	w.reconcile(b)
	w.want(b, v1alpha1.Stalled, metav1.ConditionTrue, naming.NewerVersion, "Version 2.0.0", "Version 1.9.3")
	w.want(b, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	if w.checksum("versions") != checksum || b.Status.ObservedGeneration != observed || b.Status.OperatorVersion != "2.0.0" {
		t.Errorf("the older operator acted: %+v", b.Status)
	}
	w.version = "2.0.1"
	w.restart()
	w.reconcile(b)
	w.absent(b, v1alpha1.Stalled)
	if w.checksum("versions") == checksum || b.Status.OperatorVersion != "2.0.1" {
		t.Errorf("the newer operator did not act: %+v", b.Status)
	}
}

func TestAForeignObjectOfTheNameIsLeftAlone(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	mine := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "foreign-admin"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "mine"}, Ports: []corev1.ServicePort{{Name: "admin", Port: 8090}}},
	}
	if err := w.client.Create(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	b := w.bouncer("foreign", nil)
	w.reconcile(b)
	w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.NotOurs, "Service called foreign-admin", "left alone")
	version := mine.ResourceVersion
	w.get("foreign-admin", mine)
	if mine.ResourceVersion != version {
		t.Errorf("it was changed: %+v", mine)
	}
	if err := w.client.Delete(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	w.reconcile(b)
	w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodStarting)
}

func TestDriftIsRepairedAndAdditionsAreLeft(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.ready("drifting", nil)
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "drifting"}}
	w.update(policy, func() { policy.Spec.Ingress = append(policy.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{}) })
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "drifting"}}
	w.update(deployment, func() {
		deployment.Spec.Template.Spec.Containers[0].Image = "evil.example/soju"
		metav1.SetMetaDataAnnotation(&deployment.ObjectMeta, "example.org/note", "mine")
	})
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "drifting"}}
	w.update(service, func() { delete(service.Labels, naming.LabelOwner) })
	config := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "drifting-config"}}
	w.get("drifting-config", config)
	if err := w.client.Delete(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	w.writes.Take()
	w.reconcile(b)
	w.get("drifting", policy)
	w.get("drifting", deployment)
	w.get("drifting", service)
	w.get("drifting-config", config)
	switch {
	case len(policy.Spec.Ingress) != 2:
		t.Errorf("the policy lets in %+v", policy.Spec.Ingress)
	case deployment.Spec.Template.Spec.Containers[0].Image != "irc.now/soju":
		t.Errorf("the image is %s", deployment.Spec.Template.Spec.Containers[0].Image)
	case deployment.Annotations["example.org/note"] != "mine":
		t.Error("somebody else's annotation was removed")
	case service.Labels[naming.LabelOwner] != "alice":
		t.Errorf("the labels are %v", service.Labels)
	}
	w.run("drifting")
	w.reconcile(b)
	w.writes.Take()
	w.reconcile(b)
	if list := w.writes.Take(); len(list) > 0 {
		t.Errorf("what was repaired is written again: %s", list)
	}
}

func TestASuspendedBouncerStopsAndKeepsEverything(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.ready("sleeping", nil)
	w.update(b, func() { b.Spec.Suspended = true })
	w.reconcile(b)
	w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.Suspended, "being stopped")
	w.run("sleeping")
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionFalse, naming.Suspended, "Nothing is lost")
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
	w.want(b, v1alpha1.CertificateReady, metav1.ConditionTrue, naming.CertificateIssued)
	w.absent(b, v1alpha1.Reconciling)
	w.absent(b, v1alpha1.Stalled)
	w.update(b, func() { b.Spec.Suspended = false })
	w.reconcile(b)
	w.run("sleeping")
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
}

// The plan's word and the administrator's are two: neither takes the other's back.
func TestABouncerOverItsPlanStopsLikeOneThatIsSuspended(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.ready("unpaid", nil)
	w.update(b, func() { b.Spec.OverPlan = true })
	w.reconcile(b)
	w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.OverPlan, "being stopped")
	w.run("unpaid")
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionFalse, naming.OverPlan, "starts again when the plan does")
	w.want(b, v1alpha1.DatabaseReady, metav1.ConditionTrue, naming.DatabaseMade)
	w.absent(b, v1alpha1.Stalled)
	w.update(b, func() { b.Spec.Suspended, b.Spec.OverPlan = true, false })
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionFalse, naming.Suspended, "as asked")
}

// A pod is made of the template in a namespace that enforces Pod Security "restricted".
func TestPodsAreRestricted(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	for name, change := range map[string]func(*v1alpha1.SojuBouncer){
		"restricted":   nil,
		bouncer.Shared: func(b *v1alpha1.SojuBouncer) { b.Spec = v1alpha1.SojuBouncerSpec{Role: v1alpha1.RoleShared} },
	} {
		b := w.bouncer(name, change)
		w.reconcile(b)
		var d appsv1.Deployment
		w.get(name, &d)
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: d.Spec.Template.Labels}, Spec: d.Spec.Template.Spec,
		}
		if err := w.client.Create(t.Context(), pod); err != nil {
			t.Error(err)
		}
		pod.Name, pod.ResourceVersion, pod.Spec.SecurityContext.RunAsNonRoot = name+"-root", "", nil
		if err := w.client.Create(t.Context(), pod); err == nil {
			t.Error("the namespace takes any pod, so this proves nothing")
		}
	}
}

// pod runs a pass over a new bouncer, and makes the pod that it asks for.
func (w *world) pod(b *v1alpha1.SojuBouncer) *corev1.Pod {
	w.t.Helper()
	w.reconcile(b)
	var d appsv1.Deployment
	w.get(b.Name, &d)
	d.Status.ObservedGeneration = d.Generation
	w.status(&d)
	template := d.Spec.Template
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: b.Name + "-1", Labels: template.Labels}, Spec: template.Spec}
	if err := w.client.Create(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
	return pod
}

// What others say can be longer than what the API server takes in an event.
func TestALongMessageIsStillToldInAnEvent(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer("wordy", nil)
	pod := w.pod(b)
	pod.Status = corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "soju", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CreateContainerError", Message: strings.Repeat("ä", 40_000)}},
	}}}
	w.status(pod)
	w.reconcile(b)
	w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodFailing, "cannot be started: ä")
	for _, event := range w.told() {
		_, note, found := strings.Cut(event, " "+naming.PodFailing+" ")
		if found && strings.HasPrefix(note, "Its container soju") && len(note) <= 1024 && strings.HasSuffix(note, "ä") {
			return
		}
	}
	t.Error("no event says it in a length that the API server takes")
}

func TestATroubledPodIsExplained(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer("crashing", nil)
	pod := w.pod(b)
	for words, status := range map[string]corev1.PodStatus{
		"no room for it": {Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/3 nodes",
		}}},
		"image of its container soju cannot": {ContainerStatuses: []corev1.ContainerStatus{{
			Name: "soju", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}},
		}}},
		"ended with status 3, 7 times": {ContainerStatuses: []corev1.ContainerStatus{{
			Name: "soju", RestartCount: 7, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}},
		}}},
		"needs more memory": {ContainerStatuses: []corev1.ContainerStatus{{
			Name: "soju", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}},
		}}},
	} {
		w.get(pod.Name, pod)
		pod.Status = status
		w.status(pod)
		w.reconcile(b)
		w.want(b, v1alpha1.WorkloadReady, metav1.ConditionFalse, naming.PodFailing, words)
	}
}

func TestTheSharedBouncerHasNoWayInAndNoChat(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	b := w.bouncer(bouncer.Shared, func(b *v1alpha1.SojuBouncer) {
		b.Spec = v1alpha1.SojuBouncerSpec{Role: v1alpha1.RoleShared, MaxUserNetworks: 1, MessageExpiryDays: 2}
	})
	w.reconcile(b)
	w.want(b, v1alpha1.Exposed, metav1.ConditionTrue, naming.InternalOnly, "IRC clients reach the shared bouncer at irc.irc.test", "web chat")
	if b.Status.Host != "irc.irc.test" {
		t.Errorf("clients are told to connect to %s", b.Status.Host)
	}
	var routes gateway.TLSRouteList
	if err := w.client.List(t.Context(), &routes, client.InNamespace(w.namespace)); err != nil || len(routes.Items) > 0 {
		t.Errorf("%d routes, %v", len(routes.Items), err)
	}
	w.run(b.Name)
	w.issue(b.Name)
	w.reconcile(b)
	w.want(b, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
}

// However a pass ends, the next one goes on from there: every write fails once.
func TestAPassMayFailAtAnyWrite(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	induced := errors.New("induced")
	failures := 0
	for at := 1; ; at++ {
		name := "fails" + strings.Repeat("x", at)
		b := w.bouncer(name, nil)
		w.writes.FailAt(at, induced)
		_, err := w.pass(b)
		if w.writes.FailAt(0, nil) {
			break // there are fewer writes than that
		}
		if !errors.Is(err, induced) {
			t.Errorf("write %d fails, and the pass says %v", at, err)
		}
		failures++
		w.reconcile(b)
		w.surround(b)
		w.reconcile(b)
		w.want(b, v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady)
	}
	if failures < 12 {
		t.Errorf("only %d writes failed", failures)
	}
}

func TestConditionsThatTurnAreEvents(t *testing.T) {
	w := newWorld(t, operatortest.Shared(t))
	w.ready("telling", nil)
	seen := map[string]int{}
	for _, event := range w.told() {
		seen[strings.Join(strings.Fields(event)[:2], " ")]++
	}
	for _, want := range []string{"Normal DatabaseMade", "Normal CertificateIssued", "Normal PodReady", "Normal Admitted", "Normal AllReady"} {
		if seen[want] == 0 {
			t.Errorf("no event %s in %v", want, slices.Collect(maps.Keys(seen)))
		}
	}
}
