package portal_test

import (
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/functions/portal"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/store"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }

const platformKey = config.Secret("the key that all tokens of bouncers come from")

// cloud is a portal on a cluster: a real API server, on which the test is the operator.
type cloud struct {
	*rig

	t       *testing.T
	tenants *clienttest.Tenants
}

func startCloud(t *testing.T, change ...map[string]string) *cloud {
	t.Helper()
	c := &cloud{t: t, tenants: clienttest.Start(t, "get", "list", "watch", "create", "delete")}
	env := c.tenants.Env()
	env["PLATFORM_KEY"] = platformKey.Reveal()
	for _, more := range change {
		maps.Copy(env, more)
	}
	c.rig = start(t, env)
	return c
}

// pro is somebody whose plan gives a bouncer.
func (c *cloud) pro(handle string) *person {
	c.t.Helper()
	p := c.user(c.t, handle)
	c.plan(handle, account.Pro)
	return p
}

func (c *cloud) plan(handle string, plan account.Plan) {
	c.t.Helper()
	pool, err := store.Open(c.t.Context(), c.database)
	if err != nil {
		c.t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(c.t.Context(), `UPDATE account SET plan = $2 WHERE handle = $1`, handle, plan); err != nil {
		c.t.Fatal(err)
	}
}

// stored is the bouncer called name; nil where there is none.
func (c *cloud) stored(name string) *v1alpha1.SojuBouncer {
	c.t.Helper()
	var b v1alpha1.SojuBouncer
	err := c.tenants.Get(c.t.Context(), client.ObjectKey{Namespace: c.tenants.Settings.Namespace, Name: name}, &b)
	if client.IgnoreNotFound(err) != nil {
		c.t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return &b
}

// say sets a condition as the operator does.
func (c *cloud) say(name, condition string, status metav1.ConditionStatus, message string) {
	c.t.Helper()
	c.tenants.Change(name, func(s *v1alpha1.Status) {
		s.ObservedGeneration = 1
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: condition, Status: status, Reason: "Tested", Message: message})
	})
}

// finish makes the bouncer ready, with a bounceradmin that answers.
func (c *cloud) finish(name string) *fakeBouncer {
	c.t.Helper()
	own := newBouncer(bouncer.AdminToken(platformKey, name).Reveal())
	c.tenants.Serve(name, own)
	for _, condition := range []string{v1alpha1.DatabaseReady, v1alpha1.CertificateReady, v1alpha1.WorkloadReady, v1alpha1.Exposed, v1alpha1.Ready} {
		c.say(name, condition, metav1.ConditionTrue, "")
	}
	c.tenants.Change(name, func(s *v1alpha1.Status) { s.Host = name + ".irc.test" })
	return own
}

func TestOneMachineHasNoBouncersOfOnesOwn(t *testing.T) {
	p := start(t).user(t, "ada")
	p.get("/").saysNot(`href="/bouncer"`, "Which one")
	p.get("/bouncer").status(http.StatusNotFound)
	p.post("/bouncer").status(http.StatusNotFound)
}

func TestClusterNeedsTheKeyOfThePlatform(t *testing.T) {
	c := startCloud(t)
	env := c.env()
	maps.Copy(env, c.tenants.Env())
	if err := portal.New().Start(t.Context(), env); err == nil || !strings.Contains(err.Error(), "PLATFORM_KEY") {
		t.Errorf("started without: %v", err)
	}
	env["PLATFORM_KEY"], env["KUBERNETES_API_URL"] = "x", ""
	if err := portal.New().Start(t.Context(), env); err == nil || !strings.Contains(err.Error(), "KUBERNETES_API_URL") {
		t.Errorf("started outside of a pod: %v", err)
	}
}

func TestWhoHasNoPlanForItSeesWhatItWouldGive(t *testing.T) {
	c := startCloud(t)
	p := c.user(t, "ada")
	page := p.get("/bouncer").status(http.StatusOK).
		says("You are on the shared bouncer", "With Pro", "ada.irc.localhost", "as many networks as you like", "everything, for good").
		has("http://irc.localhost:8080/pricing")
	if page.Find("main form").Length() != 0 {
		t.Error("a door is painted on the page")
	}
	p.post("/bouncer").status(http.StatusForbidden).says("Your plan, Free, has no bouncer of your own.")
	if c.stored("ada") != nil {
		t.Error("a free user has a bouncer")
	}
	p.get("/bouncer/delete").status(http.StatusNotFound).says("You have no bouncer of your own")
}

func TestABouncerOfOnesOwnFromFirstToLast(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.get("/bouncer").says("Create your bouncer", "ada.irc.localhost", "do not move along")
	p.post("/bouncer").status(http.StatusOK).says("Your bouncer is created.", "Being set up", "the cluster begins with it in a moment", "ada.irc.localhost:6697")
	made := c.stored("ada")
	if made == nil {
		t.Fatal("no bouncer was made")
	}
	if made.Spec != (v1alpha1.SojuBouncerSpec{Owner: "ada", Role: v1alpha1.RoleDedicated}) || made.Labels[v1alpha1.LabelOwner] != "ada" {
		t.Errorf("made %+v with %v", made.Spec, made.Labels)
	}

	c.say("ada", v1alpha1.DatabaseReady, metav1.ConditionTrue, "")
	c.say("ada", v1alpha1.CertificateReady, metav1.ConditionFalse, "The certificate has been waiting for its issuer for 40 seconds.")
	c.say("ada", v1alpha1.WorkloadReady, metav1.ConditionFalse, "This waits for CertificateReady.")
	c.say("ada", v1alpha1.Ready, metav1.ConditionFalse, "The certificate has been waiting for its issuer for 40 seconds.")
	page := p.get("/bouncer").says("Being set up", "waiting for its issuer for 40 seconds", "This waits for the certificate.", "opens as soon as the bouncer is ready").
		saysNot("CertificateReady")
	if rows := texts(page, "li.row-item .status"); rows != "Done Not yet Not yet Not begun" {
		t.Errorf("the parts are %q", rows)
	}

	own := c.finish("ada")
	p.get("/bouncer").says("Ready", "ada.irc.test:6697", "always with TLS").saysNot("Not begun", "Done").has("https://ada.irc.test/")
	p.get("/networks").status(http.StatusOK)
	if limit, told := own.users["ada"]; !told || limit != account.Unlimited {
		t.Errorf("the bouncer was told %v", own.users)
	}

	p.get("/bouncer/delete").says("Delete your bouncer?", "ada.irc.test", "It is on no network", "kept for 30 days")
	uid, _ := p.get("/bouncer/delete").Find(`input[name="uid"]`).Attr("value")
	p.post("/bouncer/delete", "uid", uid).status(http.StatusOK).says("Your bouncer is being deleted.", "Create your bouncer")
	if c.stored("ada") != nil {
		t.Error("the bouncer is still there")
	}
}

// texts are the texts of what selector finds, one after the other.
func texts(p *page, selector string) string {
	var all []string
	p.Find(selector).Each(func(_ int, s *goquerySelection) { all = append(all, strings.TrimSpace(s.Text())) })
	return strings.Join(all, " ")
}

func TestPagesAreAboutTheOwnBouncerWhileItIsReady(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/networks", libera...).status(http.StatusOK)
	p.post("/bouncer").status(http.StatusOK)
	p.get("/networks").says("Your own bouncer is not ready, so this is about the shared one.", "Libera.Chat").has("/bouncer")
	p.get("/connect").says("Your own bouncer is not ready", "irc.localhost", "6667")

	own := c.finish("ada")
	p.get("/bouncer").says("Ready")
	p.get("/networks").says("No networks yet").saysNot("Your own bouncer is not ready")
	p.post("/networks", but("name", "oftc", "host", "irc.oftc.net")...).status(http.StatusOK).says("oftc").saysNot("Libera.Chat")
	if names := own.names("ada"); names != "oftc" {
		t.Errorf("the own bouncer has %q", names)
	}
	p.get("/connect").says("ada.irc.test", "6697", "on, from the first byte", "ada/oftc").saysNot("irc.localhost:6667")
	p.get("/").says("your own", "ada.irc.test", "oftc")
	p.post("/networks/1", but("name", "oftc", "host", "irc.oftc.net", "nick", "ada2")...).status(http.StatusOK).says("ada2")
	p.post("/networks/1/disconnect").status(http.StatusOK).says("Switched off")
	p.get("/bouncer/delete").says("Its networks are forgotten", "oftc")
	p.post("/networks/1/remove").status(http.StatusOK).says("oftc is removed")
	if names := c.bouncer.names("ada"); names != "Libera.Chat" {
		t.Errorf("the shared bouncer has %q", names)
	}

	c.say("ada", v1alpha1.Ready, metav1.ConditionFalse, "The pod is starting.")
	p.get("/bouncer").says("The pod is starting.")
	p.get("/networks").says("Libera.Chat")
}

func TestASuspendedBouncerSaysSo(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	c.finish("ada")
	b := c.stored("ada")
	b.Spec.Suspended = true
	if err := c.tenants.Update(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p.get("/bouncer").says("Suspended", "stopped and on no network", "kept").saysNot("Being set up", ">Ready<")
	p.get("/connect").says("Your own bouncer is not ready")
}

func TestWhatStallsABouncerIsShown(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	const why = "A database called soju_ada is there already, and it was made for another bouncer."
	c.say("ada", v1alpha1.Ready, metav1.ConditionFalse, why)
	c.say("ada", v1alpha1.Stalled, metav1.ConditionTrue, why)
	if page := p.get("/bouncer").says("Needs attention", why); page.Find(".status-bad").Length() != 1 {
		t.Error("it looks as if all were well")
	}
}

func TestABouncerThatIsBeingDeletedSaysSo(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	b := c.stored("ada")
	b.Finalizers = []string{"irc.now/database"}
	if err := c.tenants.Update(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p.post("/bouncer/delete").status(http.StatusOK).says("Being deleted", "its database is put aside").saysNot(`href="/bouncer/delete"`)
	p.post("/bouncer").status(http.StatusForbidden).says("You have a bouncer of your own already")
}

func TestADeletionIsOfTheBouncerThatThePageWasAbout(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	p.post("/bouncer/delete", "uid", "b3a1a8f2-0000-4000-8000-000000000000").status(http.StatusConflict).says("has changed in the meantime")
	if c.stored("ada") == nil {
		t.Error("another bouncer was deleted")
	}
}

func TestASecondBouncerIsRefusedBeforeAdmissionIsAsked(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	c.tenants.Put(c.tenants.Bouncer("second", "ada"))
	p.post("/bouncer").status(http.StatusForbidden).says("You have a bouncer of your own already, which is as many as your plan allows.")
	if c.stored("ada") != nil {
		t.Error("a second bouncer was made")
	}
}

func TestABouncerOfSomebodyElseIsNotShown(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	c.tenants.Put(c.tenants.Bouncer("ada", "eve"))
	c.finish("ada")
	p.get("/bouncer").says("Create your bouncer")
	p.post("/bouncer").status(http.StatusConflict).says("There is a bouncer of that name already.")
	p.post("/bouncer/delete").status(http.StatusNotFound)
	p.get("/connect").says("irc.localhost")
	if c.stored("ada") == nil {
		t.Error("somebody else's bouncer was deleted")
	}
}
