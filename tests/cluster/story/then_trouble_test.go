//go:build cluster

package story_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/tests/user"
	"irc.now/tests/webclient"
)

// mending is how long the platform may take to be well again after a fault.
const mending = 3 * time.Minute

// payer is a newcomer with Pro.
func (w *world) payer(t *testing.T, name string) *user.Person {
	t.Helper()
	p := w.newcomer(t, name)
	p.Pay()
	p.AwaitPlan("Pro", "Paid")
	return p
}

// works wants the owner's bouncer to let its owner in.
func (w *world) works(t *testing.T, owner *user.Person) {
	t.Helper()
	c := w.signIn(t, hostOf(owner), owner.Handle, owner.Handle, owner.NewPassword("laptop"))
	c.Send("PING story")
	c.Expect("PONG", "story")
}

// TestAnOperatorKilledMidReconcileLeavesNothingHalfDone ends the operator, without a chance to tidy up, as soon as it has
// begun with a bouncer.
func TestAnOperatorKilledMidReconcileLeavesNothingHalfDone(t *testing.T) {
	here.onFailure(t)
	owner := here.payer(t, "kim")
	bouncer := here.createBouncer(t, owner)
	here.await(t, becoming, "the operator has begun", &corev1.SecretList{}, func(known map[string]client.Object) verdict {
		if _, begun := known[bouncer.Name+"-database"]; begun {
			return yes()
		}
		return no("there is no Secret for the database yet")
	}, client.InNamespace(tenants))
	here.kill(t, platform, client.MatchingLabels{"app.kubernetes.io/name": "operator"})
	here.awaitReady(t, mending, bouncer)
	here.works(t, owner)
	here.deleteBouncer(t, owner, bouncer)
}

// kill ends pods at once.
func (w *world) kill(t *testing.T, namespace string, which client.MatchingLabels) {
	t.Helper()
	var pods corev1.PodList
	if err := w.List(t.Context(), &pods, client.InNamespace(namespace), which); err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) == 0 {
		t.Fatalf("there is no pod %v in %s", which, namespace)
	}
	for _, pod := range pods.Items {
		if err := w.Delete(t.Context(), &pod, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
}

// TestTheAPIServerRestarts ends the API server while a bouncer is being made and somebody is connected to another.
func TestTheAPIServerRestarts(t *testing.T) {
	here.onFailure(t)
	settled := here.payer(t, "liv")
	here.awaitReady(t, becoming, here.createBouncer(t, settled))
	connected := here.signIn(t, hostOf(settled), settled.Handle, settled.Handle, settled.NewPassword("laptop"))
	newer := here.payer(t, "max")
	bouncer := here.createBouncer(t, newer)

	began := time.Now()
	if err := here.machine.Restart(t.Context(), "kube-apiserver"); err != nil {
		t.Fatal(err)
	}
	connected.Send("PING still")
	connected.Expect("PONG", "still")
	here.awaitReady(t, mending, bouncer)
	figures.note(t, "API server restarted: a bouncer that was begun before is ready after %s", time.Since(began).Round(time.Second))
	here.works(t, newer)
	settled.Visit("/bouncer").Says(http.StatusOK, "Your bouncer")
}

// TestPostgreSQLIsDeleted ends the database server below everything.
func TestPostgreSQLIsDeleted(t *testing.T) {
	here.onFailure(t)
	owner := here.payer(t, "nia")
	bouncer := here.createBouncer(t, owner)
	here.awaitReady(t, becoming, bouncer)

	var pods corev1.PodList
	if err := here.List(t.Context(), &pods, client.InNamespace(platform), client.MatchingLabels{"cnpg.io/cluster": "database"}); err != nil || len(pods.Items) == 0 {
		t.Fatalf("find PostgreSQL: %v", err)
	}
	before, began := pods.Items[0], time.Now()
	if err := here.Delete(t.Context(), &before); err != nil {
		t.Fatal(err)
	}
	here.await(t, mending, "PostgreSQL is back", &corev1.PodList{}, func(known map[string]client.Object) verdict {
		for _, object := range known {
			pod, _ := object.(*corev1.Pod)
			if pod.UID != before.UID && ready(pod) {
				return yes()
			}
		}
		return no("pods %v, none of them new and ready", names(known))
	}, client.InNamespace(platform), client.MatchingLabels{"cnpg.io/cluster": "database"})
	user.EventuallyWithin(t, mending, func() bool { return owner.Visit("/").Status == http.StatusOK }, func() string { return "the portal does not come back" })
	figures.note(t, "PostgreSQL's pod deleted: the portal answers again after %s", time.Since(began).Round(time.Second))
	here.awaitReady(t, mending, bouncer)
	here.works(t, owner)
	newcomer := here.payer(t, "ole")
	here.awaitReady(t, becoming, here.createBouncer(t, newcomer))
}

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// TestTheBrokerIsDownDuringAWebhook takes the broker's door away while somebody pays: Stripe's event is not taken, and
// comes again.
func TestTheBrokerIsDownDuringAWebhook(t *testing.T) {
	here.onFailure(t)
	payer := here.newcomer(t, "pam")
	here.withoutBroker(t, func() {
		payer.Pay()
		here.awaitRefusedWebhook(t, payer)
		if facts := payer.Facts(); len(facts) == 0 || facts[0] != "Free" {
			t.Errorf("the page says %q although nobody could keep the event", facts)
		}
	})
	user.EventuallyWithin(t, mending, func() bool { return payer.Facts()[0] == "Pro" }, func() string {
		return "Stripe's event does not arrive after the broker is back"
	})
}

// withoutBroker runs what while the broker has no ingress.
func (w *world) withoutBroker(t *testing.T, what func()) {
	t.Helper()
	w.scale(t, "knative-eventing", "mt-broker-ingress", 0)
	defer w.scale(t, "knative-eventing", "mt-broker-ingress", 1)
	what()
}

// scale changes a Deployment's replicas and waits until it is so.
func (w *world) scale(t *testing.T, namespace, name string, replicas int32) {
	t.Helper()
	deployment := &appsv1.Deployment{}
	deployment.Namespace, deployment.Name = namespace, name
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	if err := w.Patch(t.Context(), deployment, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		t.Fatal(err)
	}
	w.await(t, mending, name+" is scaled", &appsv1.DeploymentList{}, func(known map[string]client.Object) verdict {
		found, _ := known[name].(*appsv1.Deployment)
		if found == nil || found.Status.ObservedGeneration < found.Generation || found.Status.Replicas != replicas || found.Status.ReadyReplicas != replicas {
			return no("the Deployment is not there yet")
		}
		return yes()
	}, client.InNamespace(namespace))
}

// awaitRefusedWebhook waits until the stand-in's page says that an event was not taken.
func (w *world) awaitRefusedWebhook(t *testing.T, payer *user.Person) {
	t.Helper()
	var page *webclient.Page
	user.Eventually(t, func() bool {
		page = payer.Browser.Visit(stripe + "/")
		return strings.Contains(page.Words("main"), "Not taken")
	}, func() string { return "Stripe thinks that its events were taken: " + page.Words("main") })
}

// TestContainerdRestarts ends the container runtime; what it runs goes on, and what is new starts.
func TestContainerdRestarts(t *testing.T) {
	here.onFailure(t)
	settled := here.payer(t, "quy")
	here.awaitReady(t, becoming, here.createBouncer(t, settled))
	connected := here.signIn(t, hostOf(settled), settled.Handle, settled.Handle, settled.NewPassword("laptop"))
	if err := here.machine.Restart(t.Context(), "containerd"); err != nil {
		t.Fatal(err)
	}
	connected.Send("PING still")
	connected.Expect("PONG", "still")
	newer := here.payer(t, "ria")
	here.awaitReady(t, mending, here.createBouncer(t, newer))
	here.works(t, newer)
}

// TestAllIsWellInTheEnd comes last: whatever failed meanwhile, functions are ready, and so is every bouncer.
func TestAllIsWellInTheEnd(t *testing.T) {
	services := kinds("serving.knative.dev", "v1", "Service")
	if err := here.List(t.Context(), services, client.InNamespace(platform)); err != nil {
		t.Fatal(err)
	}
	for _, service := range services.Items {
		if is := conditionOf(&service); !is.ok {
			t.Errorf("function %s is not ready: %s", service.GetName(), is.why)
		}
	}
	here.await(t, mending, "every bouncer is ready", &v1alpha1.SojuBouncerList{}, func(known map[string]client.Object) verdict {
		for name, object := range known {
			bouncer, _ := object.(*v1alpha1.SojuBouncer)
			switch {
			case bouncer.DeletionTimestamp != nil: // the tests before take theirs away as this one begins
				return no("%s is still being deleted", name)
			case !meta.IsStatusConditionTrue(bouncer.Status.Conditions, v1alpha1.Ready):
				return no("%s: %s", name, sentences(&bouncer.Status))
			}
		}
		return yes()
	}, client.InNamespace(tenants))
}
