package admission_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/tests/eventually"
)

// allowAll stands in for the function before there was one.
func allowAll() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		respond(w, r, true)
	})
}

// Without the function nothing new gets in, and nothing that is there is held up.
func TestItFailsClosed(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	ada := w.bouncer("ada", "ada")
	ada.Finalizers = []string{"irc.now/database"}
	w.allowed(w.try(ada))
	var away http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "away", http.StatusServiceUnavailable)
	})
	w.front.to.Store(&away)
	if err := w.try(w.bouncer("bob", "bob"), client.DryRunAll); err == nil {
		t.Error("a creation got in that nobody decided about")
	}
	if err := w.change(w.client, ada, `{"spec":{"title":"x"}}`); err == nil {
		t.Error("a change got in that nobody decided about")
	}
	w.allowed(w.client.Delete(t.Context(), ada))
	w.allowed(w.change(w.client, ada, `{"metadata":{"finalizers":null}}`))
}

// awaitCopy waits until the API server's own copy of an object is the object as it is. Its first try of a change is on
// that copy, and where it is out of date, it asks once more or asks about what is no more.
func (w *world) awaitCopy(object client.Object) {
	w.t.Helper()
	key := client.ObjectKeyFromObject(object)
	version := func(ctx context.Context, options ...client.GetOption) string {
		read, ok := object.DeepCopyObject().(client.Object)
		if !ok {
			w.t.Fatalf("%T is no object", object)
		}
		err := w.client.Get(ctx, key, read, options...)
		if client.IgnoreNotFound(err) != nil {
			w.t.Fatal(err)
		}
		if err != nil {
			return "none"
		}
		return read.GetResourceVersion()
	}
	fromCopy := &client.GetOptions{Raw: &metav1.GetOptions{ResourceVersion: "0"}}
	eventually.Within(w.t, time.Minute, func(ctx context.Context) error {
		is, copied := version(ctx), version(ctx, fromCopy)
		return eventually.True(is == copied, "the object has version %s, its copy %s", is, copied)
	})
}

// The webhook is asked about what may take more of a plan, and about nothing else: least of all where the operators
// would wait for it.
func TestTheWebhookIsAskedOnlyWhereItMustBe(t *testing.T) {
	w := newWorld(t)
	yes := allowAll()
	w.front.to.Store(&yes)
	ada, shared := w.bouncer("ada", "ada"), w.shared()
	network := w.network("ada-net", "ada", 50)
	asked := func(what string, want int32, do error) {
		t.Helper()
		if got := w.front.calls.Swap(0); do != nil || got != want {
			t.Errorf("%s: asked %d times, want %d (%v)", what, got, want, do)
		}
		for _, object := range []client.Object{ada, network, shared} {
			w.awaitCopy(object)
		}
	}
	asked("create", 1, w.try(ada))
	asked("create a network", 1, w.try(network))
	asked("create the shared one", 0, w.try(shared))
	asked("change the shared one", 0, w.change(w.client, shared, `{"spec":{"title":"Ours"}}`))
	asked("change what is wanted", 1, w.change(w.client, ada, `{"spec":{"title":"Mine"}}`))
	asked("change nothing", 0, w.change(w.client, ada, `{"spec":{"title":"Mine"}}`))
	asked("change the owner's label", 1, w.change(w.client, ada, `{"metadata":{"labels":{"irc.now/owner":"bob"}}}`))
	asked("change another label", 0, w.change(w.client, ada, `{"metadata":{"labels":{"other":"x"}}}`))
	asked("drop all labels", 1, w.change(w.client, ada, `{"metadata":{"labels":null}}`))
	asked("annotate", 0, w.change(w.client, ada, `{"metadata":{"annotations":{"other":"x"}}}`))
	asked("add a finalizer", 0, w.change(w.client, ada, `{"metadata":{"finalizers":["irc.now/database"]}}`))
	asked("write the status", 0, w.client.Status().Patch(t.Context(), ada,
		client.RawPatch("application/merge-patch+json", []byte(`{"status":{"host":"ada.irc.test"}}`))))
	asked("delete", 0, w.client.Delete(t.Context(), ada))
	asked("change what is being deleted", 0, w.change(w.client, ada, `{"spec":{"title":"Gone"}}`))
	asked("drop the finalizer", 0, w.change(w.client, ada, `{"metadata":{"finalizers":null}}`))
	asked("delete a network", 0, w.client.Delete(t.Context(), network))
	asked("delete the shared one", 0, w.client.Delete(t.Context(), shared))
}
