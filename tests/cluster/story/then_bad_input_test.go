//go:build cluster

package story_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/naming"
	"irc.now/tests/user"
)

// TestNamesThatCannotBeAreRefusedInWords applies what only an administrator could: the portal names bouncers after
// handles.
func TestNamesThatCannotBeAreRefusedInWords(t *testing.T) {
	owner := here.payer(t, "ned")
	for name, word := range map[string]string{
		strings.Repeat("a", 33): "2 to 32 characters", "ünïcode": "lowercase RFC 1123", "nickserv": "reserved", "soju-x": "reserved", "a.b": "letters a to z",
	} {
		bouncer := bouncerOf(owner, name)
		err := here.Create(t.Context(), bouncer)
		if err == nil {
			here.removeAtTheEnd(t, bouncer)
		}
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), word) {
			t.Errorf("a bouncer called %q: %v, want a sentence about %q", name, err, word)
		}
	}
}

// TestADatabaseThatIsThereIsLeftAloneAndSaid has somebody's database where a bouncer's would be.
func TestADatabaseThatIsThereIsLeftAloneAndSaid(t *testing.T) {
	here.onFailure(t)
	owner := here.payer(t, "sam")
	database := naming.Bouncer(owner.Handle).Database()
	here.sql(t, "CREATE DATABASE "+database)
	bouncer := here.createBouncer(t, owner)
	here.awaitWords(t, owner, "Needs attention", database, "Nothing in it was touched")
	here.sql(t, "DROP DATABASE "+database)
	here.awaitReady(t, mending, bouncer)
	here.works(t, owner)
}

// TestASecretEditedByHandIsTakenOver gives a running bouncer's database another password.
func TestASecretEditedByHandIsTakenOver(t *testing.T) {
	here.onFailure(t)
	owner := here.payer(t, "tim")
	bouncer := here.createBouncer(t, owner)
	here.awaitReady(t, becoming, bouncer)
	before := here.podsOf(t, bouncer.Name)
	const chosen = "correct-horse-battery-staple"
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = tenants, naming.Bouncer(bouncer.Name).DatabaseSecret()
	if err := here.merge(t.Context(), secret, `{"stringData":{"password":%q}}`, chosen); err != nil {
		t.Fatal(err)
	}
	here.await(t, mending, "soju runs anew", &corev1.PodList{}, func(known map[string]client.Object) verdict {
		for name := range known {
			if before[name] {
				return no("the pod %s of before is still there", name)
			}
		}
		return verdict{len(known) > 0, "there is no pod"}
	}, ofBouncer(bouncer.Name)...)
	here.awaitReady(t, mending, bouncer)
	here.works(t, owner)
	if err := here.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil || string(secret.Data["password"]) != chosen {
		t.Errorf("the Secret holds %q, %v", secret.Data["password"], err)
	}
}

// TestACertificateThatDoesNotComeIsWaitedForAndSaid makes a bouncer while nobody issues certificates.
func TestACertificateThatDoesNotComeIsWaitedForAndSaid(t *testing.T) {
	here.onFailure(t)
	owner := here.payer(t, "uma")
	here.without(t, certManager, func() {
		here.createBouncer(t, owner)
		here.awaitWords(t, owner, "Being set up", "The certificate for "+hostOf(owner)+" has not been issued yet")
	})
	here.awaitWords(t, owner, "Ready", "It is up")
	here.works(t, owner)
}

// awaitWords loads the owner's page about the bouncer until it says all of that.
func (w *world) awaitWords(t *testing.T, owner *user.Person, words ...string) {
	t.Helper()
	w.ask(t, mending, fmt.Sprintf("the page says %q", words), func() verdict {
		said := owner.Visit("/bouncer").Says(http.StatusOK, "Your bouncer").Words("main")
		for _, word := range words {
			if !strings.Contains(said, word) {
				return no("%s", said)
			}
		}
		return yes()
	})
}

// sql runs a statement as PostgreSQL's superuser.
func (w *world) sql(t *testing.T, statement string) {
	t.Helper()
	w.onDatabase(t, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

func ofBouncer(name string) []client.ListOption {
	return []client.ListOption{client.InNamespace(tenants), client.MatchingLabels{
		"app.kubernetes.io/name": "soju", "app.kubernetes.io/instance": name,
	}}
}

func (w *world) podsOf(t *testing.T, bouncer string) map[string]bool {
	t.Helper()
	var pods corev1.PodList
	if err := w.List(t.Context(), &pods, ofBouncer(bouncer)...); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, pod := range pods.Items {
		all[pod.Name] = true
	}
	return all
}
