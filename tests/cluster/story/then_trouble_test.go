//go:build cluster

package story_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/tests/user"
)

// mending is how long the platform may take to be well again after a fault. On a machine with nothing else to do it takes
// half a minute; on a very busy one, four were seen.
const mending = 8 * time.Minute

// payer is a newcomer with Pro.
func (w *world) payer(t *testing.T, name string) *user.Person {
	t.Helper()
	p := w.newcomer(t, name)
	p.Pay()
	p.AwaitPlan("Pro", "Paid")
	return p
}

// works wants the owner's bouncer to let its owner in, who tries again as clients do by themselves.
func (w *world) works(t *testing.T, owner *user.Person) {
	t.Helper()
	password := owner.NewPassword("laptop")
	w.ask(t, mending, owner.Handle+" can sign in to "+hostOf(owner), func() verdict {
		err := w.trySignIn(t.Context(), hostOf(owner), owner.Handle, password)
		return verdict{err == nil, fmt.Sprint(err)}
	})
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

// TestTheAPIServerRestarts ends the API server while a bouncer is being made and somebody is connected to another.
func TestTheAPIServerRestarts(t *testing.T) {
	here.onFailure(t)
	liv := here.payer(t, "liv")
	here.awaitReady(t, becoming, here.createBouncer(t, liv))
	connected := here.signIn(t, hostOf(liv), liv.Handle, liv.Handle, liv.NewPassword("laptop"))
	newer := here.payer(t, "max")
	bouncer := here.createBouncer(t, newer)

	began := time.Now()
	here.restart(t, apiServer)
	connected.Send("PING still")
	connected.Expect("PONG", "still")
	here.awaitReady(t, mending, bouncer)
	figures.note(t, "API server restarted: a bouncer that was begun before is ready after %s", time.Since(began).Round(time.Second))
	here.works(t, newer)
	liv.Visit("/bouncer").Says(http.StatusOK, "Your bouncer")
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
	here.awaitPortal(t, owner)
	figures.note(t, "PostgreSQL's pod deleted: the portal answers again after %s", time.Since(began).Round(time.Second))
	here.awaitReady(t, mending, bouncer)
	here.works(t, owner)
	newcomer := here.payer(t, "ole")
	here.awaitReady(t, becoming, here.createBouncer(t, newcomer))
}

// awaitPortal loads the portal's first page until it is there.
func (w *world) awaitPortal(t *testing.T, p *user.Person) {
	t.Helper()
	w.ask(t, mending, "the portal is back", func() verdict {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, portal+"/", nil)
		if err != nil {
			return no("%v", err)
		}
		page, err := p.Browser.Try(request)
		if err != nil {
			return no("%v", err)
		}
		return verdict{page.Status == http.StatusOK, page.Words("main")}
	})
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
	here.awaitWebhooks(t, payer, "all are taken", func(states string) bool {
		return !strings.Contains(states, notTaken) && !strings.Contains(states, "Waiting")
	})
	here.without(t, brokerDoor, func() {
		payer.Pay()
		here.awaitWebhooks(t, payer, "one is refused", func(states string) bool { return strings.Contains(states, notTaken) })
		if facts := payer.Facts(); !slices.Contains(facts, "Free") {
			t.Errorf("the page says %q although nobody could keep the event", facts)
		}
	})
	payer.AwaitPlan("Pro", "Paid")
}

// notTaken is what the stand-in for Stripe says of an event that was refused, and comes again.
const notTaken = "Not taken"

// awaitWebhooks loads the stand-in's list of events until they are as wanted.
func (w *world) awaitWebhooks(t *testing.T, p *user.Person, what string, is func(states string) bool) {
	t.Helper()
	w.ask(t, mending, "of Stripe's events "+what, func() verdict {
		states := p.Browser.Visit(stripe+"/").Says(http.StatusOK, "Webhooks").Words("main .row-item .status")
		return verdict{is(states), states}
	})
}

// TestContainerdRestarts ends the container runtime; what it runs goes on, and what is new starts.
func TestContainerdRestarts(t *testing.T) {
	here.onFailure(t)
	quy := here.payer(t, "quy")
	here.awaitReady(t, becoming, here.createBouncer(t, quy))
	connected := here.signIn(t, hostOf(quy), quy.Handle, quy.Handle, quy.NewPassword("laptop"))
	here.restart(t, containerd)
	connected.Send("PING still")
	connected.Expect("PONG", "still")
	newer := here.payer(t, "ria")
	here.awaitReady(t, mending, here.createBouncer(t, newer))
	here.works(t, newer)
}

// TestAllIsWellInTheEnd comes last: whatever failed meanwhile, functions are ready, and so is every bouncer.
func TestAllIsWellInTheEnd(t *testing.T) {
	here.onFailure(t)
	here.await(t, mending, "every function is ready", kinds("serving.knative.dev", "v1", "Service"), func(known map[string]client.Object) verdict {
		for name, object := range known {
			function, _ := object.(*unstructured.Unstructured)
			if is := conditionOf(function); !is.ok {
				return no("%s: %s", name, is.why)
			}
		}
		return yes()
	}, client.InNamespace(platform))
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
