//go:build cluster

package story_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/tests/user"
	"irc.now/tests/webclient"
)

// becoming is how long a bouncer or network may take from nothing to ready: database, certificate, pod and route.
const becoming = 4 * time.Minute

// TestAUserFromSignUpToTheEnd is the whole story of Ada, who pays, gets a bouncer of her own and talks to Bob, who has a
// network of his own; and of how everything goes away again.
func TestAUserFromSignUpToTheEnd(t *testing.T) {
	here.onFailure(t)
	began := time.Now()
	here.awaitZero(t, "portal")

	ada := here.newcomer(t, "ada")
	ada.Visit("/").Says(http.StatusOK, "Free")
	ada.Pay()
	ada.AwaitPlan("Pro", "Paid")

	bob := here.payer(t, "bob")
	here.hosting(t, bob)

	network := here.createNetwork(t, bob)
	asked := time.Now()
	bouncer := here.createBouncer(t, ada)
	here.awaitReady(t, becoming, bouncer)
	figures.note(t, "bouncer from the portal's button to ready: %s", time.Since(asked).Round(time.Millisecond))
	here.awaitReady(t, becoming, network)

	here.shared(t)
	here.talk(t, ada, bob, network)
	here.chat(t, ada)
	here.admits(t, ada)
	here.deleteBouncer(t, ada, bouncer)
	here.deleteNetwork(t, network)
	here.awaitZeroBut(t, clockwork...)
	here.stopClock(t)
	here.awaitZeroBut(t)
	figures.note(t, "the story took %s", time.Since(began).Round(time.Second))
}

// shared has somebody who pays nothing use the bouncer of all who pay nothing.
func (w *world) shared(t *testing.T) {
	t.Helper()
	joe := w.newcomer(t, "joe")
	joe.Visit("/networks").Says(http.StatusOK, "No networks yet") // the portal makes the user in soju
	c := w.signIn(t, "irc."+domain, joe.Handle, joe.Handle, joe.NewPassword("laptop"))
	c.Send("PING story")
	c.Expect("PONG", "story")
}

// hosting adds a plan for networks to Pro.
func (w *world) hosting(t *testing.T, owner *user.Person) {
	t.Helper()
	owner.Visit("/billing").Submit(`input[value="starter"]`, nil)
	owner.AwaitPlan("Pro", "Starter hosting", "Paid")
}

// createNetwork applies a network for its owner, as an administrator does; the portal sells none yet.
func (w *world) createNetwork(t *testing.T, owner *user.Person) *v1alpha1.ErgoNetwork {
	t.Helper()
	network := &v1alpha1.ErgoNetwork{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenants, Name: owner.Handle + "net", Labels: map[string]string{v1alpha1.LabelOwner: owner.Handle}},
		Spec:       v1alpha1.ErgoNetworkSpec{Owner: owner.Handle, MaxClients: new(int32(50)), NetworkName: "StoryNet", MOTD: "Welcome to the story."},
	}
	if err := w.Create(t.Context(), network); err != nil {
		t.Fatal(err)
	}
	w.removeAtTheEnd(t, network)
	return network
}

// createBouncer presses the portal's button.
func (w *world) createBouncer(t *testing.T, owner *user.Person) *v1alpha1.SojuBouncer {
	t.Helper()
	const button = `form[action="/bouncer"] button`
	var bouncer v1alpha1.SojuBouncer
	w.ask(t, becoming, "the portal makes a bouncer", func() verdict {
		page := owner.Visit("/bouncer").Says(http.StatusOK, "Your bouncer")
		if page.Find(button).Length() > 0 {
			// On a busy machine it may say "try again": admission may start too slowly, the API server answer too late.
			page = page.Submit(button, nil)
		}
		err := w.Get(t.Context(), key(tenants, owner.Handle), &bouncer)
		return verdict{err == nil, fmt.Sprintf("%v, and the page says: %s", err, page.Words("main"))}
	})
	w.removeAtTheEnd(t, &bouncer)
	return &bouncer
}

// hostOf is where a bouncer is reached.
func hostOf(owner *user.Person) string { return owner.Handle + "." + domain }

// talk has Ada, through her bouncer, and Bob, on his own network, hear each other; each end by IRC over TLS, each found
// by the name in the handshake.
func (w *world) talk(t *testing.T, ada, bob *user.Person, network *v1alpha1.ErgoNetwork) {
	t.Helper()
	networkHost := network.Name + ".net." + domain
	// A pod that has just become ready is not at once in every Service; a person would load the page again.
	var form *webclient.Page
	w.ask(t, becoming, "the portal reaches the new bouncer", func() verdict {
		form = ada.Visit("/networks/new?from=custom")
		return verdict{form.Status == http.StatusOK, form.Words("main")}
	})
	form.Submit(`[name="nick"]`, webclient.Fields{
		"name": "story", "host": networkHost, "port": "6697", "tls": "on", "nick": ada.Handle, "channels": "#story",
	}).Says(http.StatusOK, "Networks")
	ada.AwaitState("Connected")

	his := w.irc(t, networkHost)
	his.Send("CAP LS 302", "NICK "+bob.Handle, "USER "+bob.Handle+" 0 * :Bob", "CAP END")
	his.Expect("001", "StoryNet")
	his.Send("JOIN #story")
	his.Expect("366", "#story")

	hers := w.signIn(t, hostOf(ada), ada.Handle, ada.Handle+"/story", ada.NewPassword("laptop"))
	hers.Expect("366", "#story") // connected is not yet in the channel
	his.Send("PRIVMSG #story :hello from bob")
	hers.Expect("PRIVMSG", "hello from bob")
	hers.Send("PRIVMSG #story :hello from ada")
	if heard := his.Expect("PRIVMSG", "hello from ada"); !strings.HasPrefix(heard.Source, ada.Handle+"!") {
		t.Errorf("Bob hears it from %s, not from Ada", heard.Source)
	}
	if got := w.irc(t, hostOf(ada)).Authenticate(bob.Handle, bob.Handle, bob.NewPassword("laptop")); got.Command == "001" {
		t.Error("Bob can sign in to Ada's bouncer")
	}
}

// chat opens what the web client uses: the page, its settings, and IRC over a WebSocket.
func (w *world) chat(t *testing.T, ada *user.Person) {
	t.Helper()
	page := ada.Browser.Visit("https://" + hostOf(ada) + "/")
	if page.Status != http.StatusOK || page.Find("main, #app").Length() == 0 {
		t.Errorf("web chat answers %d: %s", page.Status, page.Words("body"))
	}
	settings := ada.Browser.Visit("https://" + hostOf(ada) + "/config.json")
	var gamja struct {
		Server struct {
			URL  string `json:"url"`
			Auth string `json:"auth"`
		} `json:"server"`
		OAuth2 struct {
			URL      string `json:"url"`
			ClientID string `json:"client_id"`
		} `json:"oauth2"`
	}
	if err := json.Unmarshal([]byte(settings.Text()), &gamja); err != nil || gamja.Server.URL == "" || gamja.OAuth2.ClientID == "" {
		t.Errorf("the web client's settings are %q: %v", settings.Text(), err)
	}
	c := w.webSocket(t, "wss://"+hostOf(ada)+"/socket")
	if got := c.Authenticate(ada.Handle, ada.Handle+"/story", ada.NewPassword("web")); got.Command != "001" {
		t.Errorf("sign in over the WebSocket: %s %v", got.Command, got.Params)
	}
}

// admits tries by the API what the portal would not: it goes by the webhook, which says why not.
func (w *world) admits(t *testing.T, ada *user.Person) {
	t.Helper()
	eve := w.newcomer(t, "eve")
	w.refused(t, bouncerOf(ada, ada.Handle+"2"), "one")
	w.refused(t, bouncerOf(eve, eve.Handle), noBouncer)
	nobody := bouncerOf(eve, eve.Handle)
	nobody.Spec.Owner, nobody.Labels[v1alpha1.LabelOwner] = "nobodyatall", "nobodyatall"
	w.refused(t, nobody, "nobodyatall")
}

// noBouncer is what those are told who pay nothing.
const noBouncer = "no bouncer of its own"

func bouncerOf(owner *user.Person, name string) *v1alpha1.SojuBouncer {
	return &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenants, Name: name, Labels: map[string]string{v1alpha1.LabelOwner: owner.Handle}},
		Spec:       v1alpha1.SojuBouncerSpec{Owner: owner.Handle, Role: v1alpha1.RoleDedicated},
	}
}

// refused wants the API server to refuse an object by the webhook, with a reason that has word in it.
func (w *world) refused(t *testing.T, object *v1alpha1.SojuBouncer, word string) time.Duration {
	t.Helper()
	began := time.Now()
	err := w.Create(t.Context(), object)
	// A webhook that does not answer in time is a refusal, too: then the busy machine has to be asked again.
	for apierrors.IsInternalError(err) && time.Since(began) < becoming {
		err = w.Create(t.Context(), object)
	}
	took := time.Since(began)
	switch {
	case err == nil:
		w.removeAtTheEnd(t, object)
		t.Fatalf("the API server takes bouncer %s of %s", object.Name, object.Spec.Owner)
	case !strings.Contains(err.Error(), "admission webhook") || !strings.Contains(err.Error(), word):
		t.Errorf("bouncer %s of %s is refused with %q, want the webhook's reason with %q in it", object.Name, object.Spec.Owner, err, word)
	}
	return took
}

// deleteBouncer presses the portal's buttons; what is left is the database, under the name of a dead one.
func (w *world) deleteBouncer(t *testing.T, owner *user.Person, bouncer *v1alpha1.SojuBouncer) {
	t.Helper()
	owner.Visit("/bouncer/delete").Says(http.StatusOK, "Delete your bouncer?").Submit(`form[action="/bouncer/delete"] button`, nil)
	w.nothingLeft(t, "soju", bouncer.Name, &v1alpha1.SojuBouncerList{})
	w.tombstone(t, "soju_"+bouncer.Name)
}

func (w *world) deleteNetwork(t *testing.T, network *v1alpha1.ErgoNetwork) {
	t.Helper()
	if err := w.Delete(t.Context(), network); err != nil {
		t.Fatal(err)
	}
	w.nothingLeft(t, "ergo", network.Name, &v1alpha1.ErgoNetworkList{})
	w.tombstone(t, "ergo_"+network.Name)
	w.volumeKept(t, network.Name)
}

// volumeKept wants the volume with the network's accounts to be kept for as long as its database.
func (w *world) volumeKept(t *testing.T, network string) {
	t.Helper()
	var claims corev1.PersistentVolumeClaimList
	of := client.MatchingLabels{"app.kubernetes.io/name": "ergo", "app.kubernetes.io/instance": network}
	if err := w.List(t.Context(), &claims, client.InNamespace(tenants), of); err != nil {
		t.Fatal(err)
	}
	if len(claims.Items) != 1 || claims.Items[0].Annotations["irc.now/expires"] == "" {
		t.Errorf("the network's volumes are %v, want one that says when it expires", claims.Items)
	}
}

// nothingLeft waits until the resource and all that was made for it are gone.
func (w *world) nothingLeft(t *testing.T, program, name string, list client.ObjectList) {
	t.Helper()
	w.await(t, becoming, program+" "+name+" is gone", list, func(known map[string]client.Object) verdict {
		if _, there := known[name]; there {
			return no("it is still there")
		}
		return yes()
	}, client.InNamespace(tenants))
	for _, owned := range []client.ObjectList{
		&appsv1.DeploymentList{}, &corev1.PodList{}, &corev1.ServiceList{}, &corev1.SecretList{}, &corev1.ConfigMapList{},
		&networkingv1.NetworkPolicyList{}, &policyv1.PodDisruptionBudgetList{},
		kinds("cert-manager.io", "v1", "Certificate"), kinds("gateway.networking.k8s.io", "v1", "HTTPRoute"),
		kinds("gateway.networking.k8s.io", "v1alpha2", "TLSRoute"),
	} {
		what := fmt.Sprintf("%T of %s %s are gone", owned, program, name)
		w.awaitGone(t, becoming, what, owned, client.InNamespace(tenants), client.MatchingLabels{
			"app.kubernetes.io/name": program, "app.kubernetes.io/instance": name,
		})
	}
}
