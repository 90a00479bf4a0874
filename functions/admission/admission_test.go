package admission_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

var (
	free    = account.Holdings{}
	pro     = account.Holdings{Plan: account.Pro}
	starter = account.Holdings{Plan: account.Pro, Hosting: account.Starter}
	growth  = account.Holdings{Plan: account.Pro, Hosting: account.Growth}
)

func TestABouncerNeedsAPlanThatHasOne(t *testing.T) {
	w := newWorld(t)
	w.user("ada", free)
	w.user("bob", pro)
	w.refused(w.try(w.bouncer("ada", "ada")), "Choose one that has under Billing in the portal, or use the shared bouncer.")
	w.refused(w.try(w.bouncer("eve", "eve")), `There is no user called "eve".`)
	w.allowed(w.try(w.bouncer("bob", "bob")))
	w.refused(w.try(w.bouncer("bob-two", "bob")), "one bouncer, and there are that many already. Delete one first.")
	w.age()
	w.refused(w.try(w.bouncer("bob-two", "bob")), "there are that many already")
}

func TestTheLabelMustNameTheOwner(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.user("bob", pro)
	without := w.bouncer("ada", "ada")
	without.Labels = nil
	w.refused(w.try(without), "The label irc.now/owner is missing.")
	another := w.bouncer("ada", "ada")
	another.Labels[v1alpha1.LabelOwner] = "bob"
	w.refused(w.try(another), `says "bob" and spec.owner says "ada"`)
}

func TestNobodyTakesTheAddressOfAnotherUsersBouncer(t *testing.T) {
	w := newWorld(t)
	w.user("ada", free)
	w.user("bob", starter)
	w.refused(w.try(w.bouncer("ada", "bob")), `"ada" is another user's handle`)
	w.allowed(w.try(w.network("ada", "bob", 50))) // hosted networks have another part of the domain
	w.allowed(w.try(w.bouncer("nobody-yet", "bob")))
}

func TestANamespaceThatNobodyLooksAfterTakesNothing(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	elsewhere := w.bouncer("ada", "ada")
	elsewhere.Namespace = "default"
	w.refused(w.try(elsewhere), "live in the namespace "+w.namespace)
}

func TestOneOfManyRacingCreationsWins(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.twice()
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := w.try(w.bouncer(fmt.Sprintf("racer-%c", 'a'+i), "ada")); err == nil {
				won.Add(1)
			} else {
				w.refused(err, "allows one bouncer")
			}
		})
	}
	wg.Wait()
	var there v1alpha1.SojuBouncerList
	if err := w.client.List(t.Context(), &there, client.InNamespace(w.namespace)); err != nil {
		t.Fatal(err)
	}
	if won.Load() != 1 || len(there.Items) != 1 {
		t.Errorf("%d won, and there are %d bouncers", won.Load(), len(there.Items))
	}
	if calls := w.front.calls.Load(); calls < 20 {
		t.Errorf("the webhook was asked %d times only", calls)
	}
}

func TestManyNetworksRaceForThePlacesThatThereAre(t *testing.T) {
	w := newWorld(t)
	w.user("ada", growth)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := w.try(w.network(fmt.Sprintf("racer-%c", 'a'+i), "ada", 200)); err == nil {
				won.Add(1)
			} else {
				w.refused(err, "allows 3 networks")
			}
		})
	}
	wg.Wait()
	if won.Load() != 3 {
		t.Errorf("%d won, want 3", won.Load())
	}
}

func TestADryRunIsCheckedAndClaimsNothing(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.user("bob", free)
	w.allowed(w.try(w.bouncer("first", "ada"), client.DryRunAll))
	if n := w.claims(); n != 0 {
		t.Errorf("a dry run left %d claims", n)
	}
	w.refused(w.try(w.bouncer("bob", "bob"), client.DryRunAll), "Choose one that has")
	w.allowed(w.try(w.bouncer("second", "ada")))
	w.refused(w.try(w.bouncer("third", "ada"), client.DryRunAll), "Delete one first.")
}

// What was let in but never stored, or deleted at once, counts for a minute; then it is forgotten.
func TestAClaimWithoutObjectAgesOut(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	first := w.bouncer("first", "ada")
	w.allowed(w.try(first))
	if err := w.client.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.refused(w.try(w.bouncer("second", "ada")), `bouncer "first" was let in a moment ago. If there is none of that name, try again in`)
	w.allowed(w.try(w.bouncer("first", "ada"))) // the same name is the same claim
	if err := w.client.Delete(t.Context(), w.bouncer("first", "ada")); err != nil {
		t.Fatal(err)
	}
	w.age()
	w.allowed(w.try(w.bouncer("second", "ada")))
}

func TestANetworkFollowsItsHostingPlan(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.user("bob", starter)
	const fifty = "The hosting plan Starter lets 50 people be on a network at once. Set spec.maxClients to 50, or to fewer."
	w.refused(w.try(w.network("ada-net", "ada", 50)), `A network needs a hosting plan, and "ada" has none.`)
	w.refused(w.try(w.network("bob-net", "bob", 51)), fifty)
	unlimited := w.network("bob-net", "bob", 50)
	unlimited.Spec.MaxClients = nil
	w.refused(w.try(unlimited), fifty)
	w.allowed(w.try(w.network("bob-net", "bob", 50)))
	w.refused(w.try(w.network("bob-too", "bob", 50)), "allows one network")
	w.allowed(w.try(w.bouncer("bob", "bob"))) // kinds are counted apart
}

// What programs and files of the version before write is judged by the number that it stands for.
func TestANetworkOfTheFormerShapeFollowsItsHostingPlanToo(t *testing.T) {
	w := newWorld(t)
	w.user("bob", starter)
	former := w.network("bob-net", "bob", 50)
	former.Spec.MaxClients, former.Spec.Hosting = nil, v1alpha1.HostingGrowth
	w.refused(w.try(former), "Set spec.maxClients to 50, or to fewer.")
	former.Spec.Hosting = v1alpha1.HostingStarter
	w.allowed(w.try(former))
	for _, raise := range []string{`{"spec":{"hosting":"growth"}}`, `{"spec":{"hosting":null}}`, `{"spec":{"hosting":null,"maxClients":51}}`} {
		w.refused(w.change(w.client, former, raise), "lets 50 people be on a network at once")
	}
	w.allowed(w.change(w.client, former, `{"spec":{"hosting":null,"maxClients":50}}`))
}

func TestTheOwnerStaysWhoeverAsks(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.user("bob", pro)
	ada := w.bouncer("ada", "ada")
	w.allowed(w.try(ada))
	set := func(c client.Client, label string) error {
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"irc.now/owner":%s}}}`, label)
		return c.Patch(t.Context(), w.bouncer("ada", "ada"), client.RawPatch("application/merge-patch+json", patch))
	}
	stranger := w.as("somebody")
	w.refused(set(stranger, `"bob"`), "The owner of a bouncer stays, and so does its label irc.now/owner.")
	w.refused(set(stranger, `null`), "The owner of a bouncer stays")
	w.refused(set(w.as(portal), `"bob"`), `says "bob" and spec.owner says "ada"`) // may change it, but to nothing wrong
	w.allowed(set(w.as("system:serviceaccount:irc-now:operator"), `"ada"`))
}

// An object from before admission was there has no label; whoever may change it can give it one.
func TestAMissingLabelCanBeAdded(t *testing.T) {
	w := newWorld(t)
	w.user("ada", free)
	old := w.bouncer("ada", "ada")
	old.Labels = nil
	w.stored(old)
	w.refused(w.change(w.as("somebody"), old, `{"metadata":{"labels":{"irc.now/owner":"ada"}}}`), "stays")
	w.refused(w.change(w.as(portal), old, `{"metadata":{"labels":{"irc.now/owner":"bob"}}}`), "Both must hold")
	w.allowed(w.change(w.as("somebody"), old, `{"spec":{"suspended":true}}`))
	w.allowed(w.change(w.as(portal), old, `{"metadata":{"labels":{"irc.now/owner":"ada"}}}`))
}

// change patches what is stored.
func (w *world) change(c client.Client, object client.Object, patch string) error {
	return c.Patch(w.t.Context(), object.DeepCopyObject().(client.Object), client.RawPatch("application/merge-patch+json", []byte(patch))) //nolint:errcheck // copies have their original's type
}

// stored puts an object past the function, as if it were from before its time.
func (w *world) stored(object client.Object) {
	w.t.Helper()
	behind := w.front.to.Load()
	defer w.front.to.Store(behind)
	yes := allowAll()
	w.front.to.Store(&yes)
	w.put(object)
}

func TestADowngradeLeavesEverythingButGrowth(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada", growth)
	bouncer := w.bouncer("ada", "ada")
	ten, twenty := `{"spec":{"maxClients":10}}`, `{"spec":{"maxClients":20}}`
	network, large := w.network("ada-net", "ada", 200), w.network("ada-large", "ada", 200)
	w.allowed(w.try(bouncer))
	w.allowed(w.try(network))
	w.allowed(w.try(large))
	w.allowed(w.change(w.client, network, ten))
	w.holds(ada, free)
	w.age()
	w.allowed(w.change(w.client, bouncer, `{"spec":{"title":"Mine"}}`))
	w.allowed(w.change(w.client, network, `{"spec":{"motd":"Hello"}}`))
	w.allowed(w.change(w.client, large, `{"spec":{"motd":"Hello"}}`))
	w.allowed(w.change(w.client, network, `{"spec":{"maxClients":5}}`))
	w.refused(w.change(w.client, network, twenty), "A network needs a hosting plan")
	w.refused(w.change(w.client, network, `{"spec":{"maxClients":null}}`), "A network needs a hosting plan")
	for _, object := range []client.Object{bouncer, network, large} {
		w.allowed(w.change(w.client, object, `{"spec":{"suspended":true}}`))
	}
	w.refused(w.change(w.client, bouncer, `{"spec":{"suspended":false}}`), "has no bouncer of its own")
	w.refused(w.change(w.client, network, `{"spec":{"suspended":false}}`), "A network needs a hosting plan")
	w.holds(ada, starter)
	w.allowed(w.change(w.client, bouncer, `{"spec":{"suspended":false}}`))
	w.refused(w.change(w.client, large, `{"spec":{"suspended":false}}`), "Set spec.maxClients to 50, or to fewer.")
	w.allowed(w.change(w.client, network, `{"spec":{"suspended":false}}`))
	w.allowed(w.change(w.client, network, `{"spec":{"maxClients":50}}`))
	w.refused(w.change(w.client, network, `{"spec":{"maxClients":51}}`), "Set spec.maxClients to 50, or to fewer.")
}

// After a downgrade from three networks to one, the user chooses which one runs.
func TestTheOneThatRunsIsTheUsersChoice(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada", growth)
	networks := map[string]*v1alpha1.ErgoNetwork{}
	for _, name := range []string{"one", "two"} {
		networks[name] = w.network(name, "ada", 200)
		w.allowed(w.try(networks[name]))
	}
	w.holds(ada, starter)
	for _, name := range []string{"one", "two"} {
		w.allowed(w.change(w.client, networks[name], `{"spec":{"suspended":true,"maxClients":50}}`))
	}
	w.age()
	w.allowed(w.change(w.client, networks["two"], `{"spec":{"suspended":false}}`))
	w.refused(w.change(w.client, networks["one"], `{"spec":{"suspended":false}}`), "allows one network")
	w.allowed(w.change(w.client, networks["two"], `{"spec":{"suspended":true}}`))
	w.age()
	w.allowed(w.change(w.client, networks["one"], `{"spec":{"suspended":false}}`))
}

// functions/limits stops what a plan does not pay for any more, and starts it again; the owner cannot.
func TestWhatIsOverThePlanStopsAndStartsWithIt(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada", growth)
	bouncer, network := w.bouncer("ada", "ada"), w.network("ada-net", "ada", 150)
	w.allowed(w.try(bouncer))
	w.allowed(w.try(network))
	w.holds(ada, free)
	stop, start := `{"spec":{"overPlan":true}}`, `{"spec":{"overPlan":false}}`
	for _, object := range []client.Object{bouncer, network} {
		w.allowed(w.change(w.client, object, stop))
	}
	w.age()
	w.refused(w.change(w.client, bouncer, start), "has no bouncer of its own")
	w.refused(w.change(w.client, network, start), "A network needs a hosting plan")
	w.holds(ada, starter)
	w.allowed(w.change(w.client, bouncer, start))
	w.refused(w.change(w.client, network, start), "lets 50 people be on a network at once")
	w.allowed(w.change(w.client, network, `{"spec":{"overPlan":false,"maxClients":50}}`))
	w.refused(w.change(w.client, network, `{"spec":{"maxClients":51}}`), "lets 50 people be on a network at once")
}

// What is being deleted no longer counts, though its finalizer may take its time.
func TestWhatIsBeingDeletedMakesRoom(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	first := w.bouncer("first", "ada")
	first.Finalizers = []string{"irc.now/test"}
	w.allowed(w.try(first))
	if err := w.client.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.allowed(w.try(w.bouncer("second", "ada")))
}

// The API server makes up names before it asks, so such a creation is claimed under its name too.
func TestANameThatTheAPIServerMakesUpIsClaimed(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	unnamed := func() error {
		b := w.bouncer("", "ada")
		b.GenerateName = "made-up-"
		return w.try(b)
	}
	w.allowed(unnamed())
	if n := w.claims(); n != 1 {
		t.Errorf("%d claims", n)
	}
	w.refused(unnamed(), "allows one bouncer")
}

// What is applied by the server is created or updated like anything else.
func TestApplyingIsReviewedToo(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.user("bob", free)
	apply := func(name string) error {
		b := w.bouncer(name, name)
		b.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("SojuBouncer"))
		b.SetManagedFields(nil)
		return w.client.Patch(t.Context(), b, client.Apply, client.FieldOwner("kubectl"), client.ForceOwnership) //nolint:staticcheck // typed objects have no apply configuration
	}
	w.allowed(apply("ada"))
	w.allowed(apply("ada"))
	w.refused(apply("bob"), "no bouncer of its own")
}

// The API server drops what a client says of deletion when it creates, so nobody passes as being deleted.
func TestNobodyIsBornDeleted(t *testing.T) {
	w := newWorld(t)
	w.user("ada", free)
	b := w.bouncer("ada", "ada")
	now := metav1.Now()
	b.DeletionTimestamp, b.Finalizers = &now, []string{"irc.now/test"}
	w.refused(w.try(b), "no bouncer of its own")
}
