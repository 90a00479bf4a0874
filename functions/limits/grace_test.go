package limits_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/event"
	"irc.now/shared/fault"
)

// payer is ada on a cluster, whose bouncer and networks the test watches.
type payer struct {
	*world

	tenants *clienttest.Tenants
}

// newPayer is somebody who had Pro and Growth, with a bouncer and the networks of these names, made in this order.
func newPayer(t *testing.T, w *world, tenants *clienttest.Tenants, networks ...string) *payer {
	t.Helper()
	p := &payer{w, tenants}
	tenants.Put(tenants.Bouncer("ada", "ada"))
	for _, name := range networks {
		n := p.newNetwork(name)
		n.Annotations = map[string]string{v1alpha1.AnnotationPlanClients: "200"}
		n.Spec.MaxClients = new(int32(200))
		tenants.Put(n)
	}
	p.holds("pro", "growth")
	// Whoever asks it has an answer, so that no event waits for a bouncer that starts.
	tenants.Serve("ada", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) }))
	return p
}

// newNetwork is a network of ada's that is not stored yet, without a number of clients.
func (p *payer) newNetwork(name string) *v1alpha1.ErgoNetwork {
	return &v1alpha1.ErgoNetwork{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: p.tenants.Settings.Namespace, Labels: map[string]string{v1alpha1.LabelOwner: "ada"}},
		Spec:       v1alpha1.ErgoNetworkSpec{Owner: "ada", NetworkName: name},
	}
}

func (p *payer) holds(plan, hosting string) {
	p.set("plan", plan)
	p.set("hosting", hosting)
}

// keepUntil is when the time after a downgrade ends.
func (p *payer) keepUntil(at time.Time) {
	p.t.Helper()
	_, err := p.pool.Exec(context.Background(), `
		INSERT INTO billing (account_id, customer_id, keep_until, updated_at) VALUES ($1, 'cus_1', $2, now())
		ON CONFLICT (account_id) DO UPDATE SET keep_until = excluded.keep_until`, p.user.ID, at)
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *payer) over() { p.keepUntil(time.Now().Add(-time.Second)) }

func (p *payer) graceEnds() {
	p.t.Helper()
	if err := p.handle(event.GraceEnded{Account: p.user.ID}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *payer) bouncer() *v1alpha1.SojuBouncer {
	p.t.Helper()
	var b v1alpha1.SojuBouncer
	p.get("ada", &b)
	return &b
}

func (p *payer) network(name string) *v1alpha1.ErgoNetwork {
	p.t.Helper()
	var n v1alpha1.ErgoNetwork
	p.get(name, &n)
	return &n
}

func (p *payer) get(name string, into client.Object) {
	p.t.Helper()
	if err := p.tenants.Get(p.t.Context(), client.ObjectKey{Namespace: p.tenants.Settings.Namespace, Name: name}, into); err != nil {
		p.t.Fatal(err)
	}
}

// wantRunning compares what runs with the names given, networks with how many clients they take.
func (p *payer) wantRunning(want string) {
	p.t.Helper()
	var running []string
	if !p.bouncer().Spec.Stopped() {
		running = append(running, "ada")
	}
	var networks v1alpha1.ErgoNetworkList
	if err := p.tenants.List(p.t.Context(), &networks, client.InNamespace(p.tenants.Settings.Namespace)); err != nil {
		p.t.Fatal(err)
	}
	for _, n := range networks.Items {
		if !n.Spec.Stopped() {
			running = append(running, fmt.Sprintf("%s/%d", n.Name, n.Spec.Clients()))
		}
	}
	if got := strings.Join(running, " "); got != want {
		p.t.Errorf("running are %q, want %q", got, want)
	}
}

func TestWhatIsOverThePlanStopsWhenTheGraceIsOver(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants, "one", "two")
	p.holds("free", "")
	p.keepUntil(time.Now().Add(time.Hour))
	if err := p.upgraded(); err != nil { // plan-changed, whatever it says
		t.Fatal(err)
	}
	p.graceEnds() // early, or of an earlier downgrade
	p.wantRunning("ada one/200 two/200")
	p.over()
	p.graceEnds()
	p.wantRunning("")
	stopped := p.bouncer()
	p.graceEnds()
	if again := p.bouncer(); again.ResourceVersion != stopped.ResourceVersion {
		t.Error("the same event writes again")
	}
	p.holds("pro", "growth")
	if err := p.upgraded(); err != nil {
		t.Fatal(err)
	}
	p.wantRunning("ada one/200 two/200")
}

// The events of a downgrade's end and of the new payment come in the wrong order.
func TestALateEndStopsNothingThatIsPaidFor(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants, "one")
	p.over()
	p.graceEnds()
	p.wantRunning("ada one/200")
}

func TestALesserHostingKeepsTheOldestNetwork(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants, "zoe", "bob", "amy")
	p.age("zoe", "bob", "amy")
	p.holds("pro", "starter")
	p.over()
	p.graceEnds()
	p.wantRunning("ada zoe/50")
	if n := p.network("bob"); n.Spec.Clients() != 50 || !n.Spec.OverPlan || n.Spec.Suspended {
		t.Errorf("bob is %+v", n.Spec)
	}
	p.holds("pro", "growth")
	if err := p.upgraded(); err != nil {
		t.Fatal(err)
	}
	p.wantRunning("ada amy/200 bob/200 zoe/200")
}

func TestAnOwnersNumberOfClientsOutlastsADowngrade(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants, "one")
	n := p.network("one")
	n.Spec.MaxClients = new(int32(150))
	if err := tenants.Update(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	p.holds("pro", "starter")
	p.keepUntil(time.Now().Add(time.Hour))
	p.graceEnds()
	p.wantRunning("ada one/150")
	p.over()
	p.graceEnds()
	p.wantRunning("ada one/50")
	p.holds("pro", "growth")
	if err := p.upgraded(); err != nil {
		t.Fatal(err)
	}
	p.wantRunning("ada one/150")
}

// A network as the version before made it: what its number was follows from the name of a hosting plan.
func TestANetworkOfTheFormerShapeGetsItsNumber(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants)
	former, choosy := p.newNetwork("former"), p.newNetwork("choosy")
	former.Spec.Hosting, choosy.Spec.Hosting = v1alpha1.HostingGrowth, v1alpha1.HostingGrowth
	choosy.Spec.MaxClients = new(int32(20))
	tenants.Put(former)
	tenants.Put(choosy)
	p.wantRunning("ada choosy/20 former/200")
	if err := p.upgraded(); err != nil {
		t.Fatal(err)
	}
	p.wantRunning("ada choosy/20 former/200")
	if n := p.network("former"); n.Spec.MaxClients == nil || *n.Spec.MaxClients != 200 || n.Spec.Hosting != v1alpha1.HostingGrowth {
		t.Errorf("the number is not filled in, or an older operator knows none: %+v", n.Spec)
	}
	p.holds("pro", "starter")
	p.over()
	p.graceEnds()
	for name, want := range map[string]int32{"former": 50, "choosy": 20} {
		if n := p.network(name); n.Spec.Clients() != want || n.Spec.Hosting != v1alpha1.HostingStarter {
			t.Errorf("%s is %+v", name, n.Spec)
		}
	}
}

// age waits until networks made one after the other differ in age, which the API server tells in seconds: the last is
// made anew until then.
func (p *payer) age(names ...string) {
	p.t.Helper()
	for i, name := range names[1:] {
		for !p.network(name).CreationTimestamp.After(p.network(names[i]).CreationTimestamp.Time) {
			n := p.network(name)
			if err := p.tenants.Delete(p.t.Context(), n); err != nil {
				p.t.Fatal(err)
			}
			n.ResourceVersion, n.UID = "", ""
			p.tenants.Put(n)
		}
	}
}

func TestAnAdministratorsSuspensionStays(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants)
	b := p.bouncer()
	b.Spec.Suspended = true
	if err := tenants.Update(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p.holds("free", "")
	p.over()
	p.graceEnds()
	if b = p.bouncer(); !b.Spec.Suspended || !b.Spec.OverPlan {
		t.Errorf("after the grace: %+v", b.Spec)
	}
	p.holds("pro", "")
	if err := p.upgraded(); err != nil {
		t.Fatal(err)
	}
	if b = p.bouncer(); !b.Spec.Suspended || b.Spec.OverPlan {
		t.Errorf("paid again: %+v", b.Spec)
	}
}

func TestAPlanThatIsBoughtWhileItStopsStartsAgain(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants, "one")
	p.holds("free", "")
	p.over()
	stopped := false
	p.before = func() { // the shared bouncer is told when the dedicated one is stopped
		stopped = p.bouncer().Spec.OverPlan
		p.holds("pro", "growth")
	}
	p.graceEnds()
	if !stopped {
		t.Error("it was never stopped, so this proves nothing")
	}
	p.wantRunning("ada one/200")
}

func TestABouncerThatStartsIsToldWhenItIsUp(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants)
	p.holds("free", "")
	p.over()
	p.graceEnds()
	var up sync.Once
	told := 0
	tenants.Serve("ada", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		status := http.StatusNoContent
		up.Do(func() { status = http.StatusServiceUnavailable })
		if status == http.StatusNoContent {
			told++
		}
		rw.WriteHeader(status)
	}))
	p.holds("pro", "")
	if err := p.upgraded(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	p.wantRunning("ada")
	if err := p.upgraded(); err != nil || told != 1 {
		t.Errorf("told %d times, %v", told, err)
	}
}

// Each change of the plan is followed by its event, and the events are worked on at once. Whoever is last to write may
// have begun first.
func TestOfManyEventsAtOnceThePresentPlanWins(t *testing.T) {
	w, tenants := onCluster(t)
	p := newPayer(t, w, tenants, "one", "two")
	p.over()
	for round, last := range []string{"free", "pro", "free", "pro"} {
		var all sync.WaitGroup
		for i := range 6 {
			plan := []string{"free", "pro"}[i%2]
			if i == 5 {
				plan = last
			}
			p.set("plan", plan)
			all.Go(func() {
				// The broker sends again what failed, as for one that changed too often meanwhile.
				for p.upgraded() != nil {
					if t.Context().Err() != nil {
						return
					}
				}
			})
		}
		all.Wait()
		want := ""
		if last == "pro" {
			want = "ada one/200 two/200"
		}
		t.Logf("round %d ends with %s", round, last)
		p.wantRunning(want)
	}
}

// front stands before the API server and does something before the first write comes through.
type front struct {
	http.Handler

	once   sync.Once
	before func()
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPatch {
		f.once.Do(f.before)
	}
	f.Handler.ServeHTTP(w, r)
}

func newFront(t *testing.T, tenants *clienttest.Tenants) *front {
	t.Helper()
	server, err := url.Parse(tenants.Settings.URL.String())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(tenants.Settings.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	proxy := httputil.NewSingleHostReverseProxy(server)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return &front{Handler: proxy}
}

func TestAWriteOfSomebodyElsesIsNotOverwritten(t *testing.T) {
	tenants := clienttest.Start(t, "list", "patch")
	tenants.Allow("ergonetworks", "list", "patch")
	f := newFront(t, tenants)
	between := httptest.NewServer(f)
	t.Cleanup(between.Close)
	w := onTenants(t, tenants, map[string]string{"KUBERNETES_API_URL": between.URL})
	p := newPayer(t, w, tenants)
	wrote := false
	f.before = func() {
		b := p.bouncer()
		b.Spec.Title = "Mine"
		wrote = tenants.Update(t.Context(), b) == nil
	}
	p.holds("free", "")
	p.over()
	p.graceEnds()
	if b := p.bouncer(); !wrote || !b.Spec.OverPlan || b.Spec.Title != "Mine" {
		t.Errorf("written in between: %v; then %+v", wrote, b.Spec)
	}
}
