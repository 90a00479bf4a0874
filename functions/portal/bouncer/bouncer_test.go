package bouncer_test

import (
	"net/http"
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/functions/portal/portaltest"
	"irc.now/functions/portal/portaltest/clustertest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/account"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }

func TestOneMachineHasNoBouncersOfOnesOwn(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	p.Get("/").SaysNot(`href="/bouncer"`, "Which one")
	p.Get("/bouncer").Status(http.StatusNotFound)
	p.Post("/bouncer").Status(http.StatusNotFound)
}

func TestWhoHasNoPlanForItSeesWhatItWouldGive(t *testing.T) {
	c := clustertest.Start(t)
	p := c.User(t, "ada")
	page := p.Get("/bouncer").Status(http.StatusOK).
		Says("You are on the shared bouncer", "With Pro", "ada.irc.localhost", "as many networks as you like", "everything, for good").
		Has("http://irc.localhost:8080/pricing")
	if page.Find("main form").Length() != 0 {
		t.Error("a door is painted on the page")
	}
	p.Post("/bouncer").Status(http.StatusForbidden).Says("Your plan, Free, has no bouncer of your own.")
	if c.Stored("ada") != nil {
		t.Error("a free user has a bouncer")
	}
	p.Get("/bouncer/delete").Status(http.StatusNotFound).Says("You have no bouncer of your own")
}

func TestABouncerOfOnesOwnFromFirstToLast(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Get("/bouncer").Says("Create your bouncer", "ada.irc.localhost", "do not move along")
	p.Post("/bouncer").Status(http.StatusOK).Says("Your bouncer is created.", "Being set up", "the cluster begins with it in a moment", "ada.irc.localhost:6697")
	p.Post("/bouncer").Status(http.StatusOK).Says("Your bouncer is created.")
	made := c.Stored("ada")
	if made == nil {
		t.Fatal("no bouncer was made")
	}
	if made.Spec != (v1alpha1.SojuBouncerSpec{Owner: "ada", Role: v1alpha1.RoleDedicated}) || made.Labels[v1alpha1.LabelOwner] != "ada" {
		t.Errorf("made %+v with %v", made.Spec, made.Labels)
	}

	c.Say("ada", v1alpha1.DatabaseReady, metav1.ConditionTrue, "")
	c.Say("ada", v1alpha1.CertificateReady, metav1.ConditionFalse, "The certificate has been waiting for its issuer for 40 seconds.")
	c.Say("ada", v1alpha1.WorkloadReady, metav1.ConditionFalse, "This waits for CertificateReady.")
	c.Say("ada", v1alpha1.Ready, metav1.ConditionFalse, "The certificate has been waiting for its issuer for 40 seconds.")
	page := p.Get("/bouncer").Says("Being set up", "waiting for its issuer for 40 seconds", "This waits for the certificate.", "opens as soon as the bouncer is ready").
		SaysNot("CertificateReady")
	if rows := page.Texts("li.row-item .status"); rows != "Done Not yet Not yet Not begun" {
		t.Errorf("the parts are %q", rows)
	}

	dedicated := c.Finish("ada")
	p.Get("/bouncer").Says("Ready", "ada.irc.test:6697", "always with TLS").SaysNot("Not begun", "Done").Has("https://ada.irc.test/")
	p.Get("/networks").Status(http.StatusOK)
	if limit, told := dedicated.Users["ada"]; !told || limit != account.Unlimited {
		t.Errorf("the bouncer was told %v", dedicated.Users)
	}

	p.Get("/bouncer/delete").Says("Delete your bouncer?", "ada.irc.test", "It is on no network", "kept for 30 days")
	uid, _ := p.Get("/bouncer/delete").Find(`input[name="uid"]`).Attr("value")
	p.Post("/bouncer/delete", "uid", uid).Status(http.StatusOK).Says("Your bouncer is being deleted.", "Create your bouncer")
	p.Post("/bouncer/delete", "uid", uid).Status(http.StatusOK).Says("Your bouncer is deleted.")
	if c.Stored("ada") != nil {
		t.Error("the bouncer is still there")
	}
}

func TestASuspendedBouncerSaysSo(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	c.Finish("ada")
	c.Change("ada", func(b *v1alpha1.SojuBouncer) { b.Spec.Suspended = true })
	p.Get("/bouncer").Says("Suspended", "stopped and on no network", "kept").SaysNot("Being set up", ">Ready<")
	p.Get("/connect").Says("Your own bouncer is not ready")
}

func TestWhatStallsABouncerIsShown(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	const why = "A database called soju_ada is there already, and it was made for another bouncer."
	c.Say("ada", v1alpha1.Ready, metav1.ConditionFalse, why)
	c.Say("ada", v1alpha1.Stalled, metav1.ConditionTrue, why)
	if page := p.Get("/bouncer").Says("Needs attention", why); page.Find(".status-bad").Length() != 1 {
		t.Error("it looks as if all were well")
	}
}

func TestABouncerThatIsBeingDeletedSaysSo(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	c.Change("ada", func(b *v1alpha1.SojuBouncer) { b.Finalizers = []string{"irc.now/database"} })
	p.Post("/bouncer/delete").Status(http.StatusOK).Says("Being deleted", "its database is put aside").SaysNot(`href="/bouncer/delete"`)
	p.Post("/bouncer").Status(http.StatusForbidden).Says("You have a bouncer of your own already")
}

func TestADeletionIsOfTheBouncerThatThePageWasAbout(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	p.Post("/bouncer/delete", "uid", "b3a1a8f2-0000-4000-8000-000000000000").Status(http.StatusConflict).Says("has changed in the meantime")
	if c.Stored("ada") == nil {
		t.Error("another bouncer was deleted")
	}
}

func TestASecondBouncerIsRefusedBeforeAdmissionIsAsked(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	c.Tenants.Put(c.Tenants.Bouncer("second", "ada"))
	p.Post("/bouncer").Status(http.StatusForbidden).Says("You have a bouncer of your own already, which is as many as your plan allows.")
	if c.Stored("ada") != nil {
		t.Error("a second bouncer was made")
	}
}

func TestABouncerOfSomebodyElseIsNotShown(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	c.Tenants.Put(c.Tenants.Bouncer("ada", "eve"))
	c.Finish("ada")
	p.Get("/bouncer").Says("Create your bouncer")
	p.Post("/bouncer").Status(http.StatusConflict).Says("There is a bouncer of that name already.")
	p.Post("/bouncer/delete").Says("Your bouncer is deleted") // there is none of hers
	p.Get("/connect").Says("irc.localhost")
	if c.Stored("ada") == nil {
		t.Error("somebody else's bouncer was deleted")
	}
}

func TestABouncerOfNoDowngradeHasNoEnd(t *testing.T) {
	c := clustertest.Start(t)
	p := c.User(t, "ada")
	c.Tenants.Put(c.Tenants.Bouncer("ada", "ada")) // an administrator's gift
	p.Get("/bouncer").Says("Being set up").SaysNot("Yours runs on until", "stopped in a moment")
}
