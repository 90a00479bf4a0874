package portal_test

import (
	"testing"
	"time"

	"irc.now/functions/portal/portaltest"
	"irc.now/functions/portal/portaltest/clustertest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

func TestADowngradeSaysWhatIsTooMuchAndUntilWhen(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	for _, name := range []string{"one", "two"} {
		ada.Post("/networks", "name", name, "host", "irc.libera.chat", "port", "6697", "tls", "on", "nick", "ada")
	}
	ada.Get("/billing").SaysNot("More than your plan allows")
	k.Sync(t, "ada", account.Ended, account.Holdings{})
	until := time.Now().UTC().Add(account.Grace).Format("2 Jan 2006")
	ada.Get("/billing").Says("You have 2 networks; your plan allows one network", "stays as it is until "+until)
	ada.Get("/networks").Says("one", "two", "You have 2 networks; your plan allows one network", "until "+until)
}

// startSelling is a portal on a cluster that sells.
func startSelling(t *testing.T) (*clustertest.Rig, *portaltest.Till) {
	t.Helper()
	shop := portaltest.OpenShop(t)
	c := clustertest.Start(t, portaltest.With(shop.Env()))
	return c, portaltest.TillOf(c.Rig, shop)
}

// downgraded is somebody with a dedicated bouncer, whose plan has ended.
func downgraded(t *testing.T) (*clustertest.Rig, *portaltest.Till, *portaltest.Person) {
	t.Helper()
	c, k := startSelling(t)
	p := c.User(t, "ada")
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	p.Post("/bouncer")
	c.Finish("ada")
	k.Sync(t, "ada", account.Ended, account.Holdings{})
	return c, k, p
}

// stop is what functions/limits does.
func stop(c *clustertest.Rig, over bool) {
	c.Change("ada", func(b *v1alpha1.SojuBouncer) { b.Spec.OverPlan = over })
}

func TestDuringTheGraceThePagesSayUntilWhenTheBouncerRuns(t *testing.T) {
	c, k, p := downgraded(t)
	until := time.Now().UTC().Add(account.Grace).Format("2 Jan 2006")
	p.Get("/bouncer").Says("Ready", "Your plan, Free, has no bouncer of your own. Yours runs on until "+until, "Nothing in it is deleted",
		"With Pro this one keeps running").Has("/billing").Has("/bouncer/delete")
	p.Get("/billing").Says("Your own bouncer", "Yours runs on until "+until).SaysNot("It is stopped").Has("/bouncer")
	p.Get("/connect").Says("ada.irc.test") // which is theirs to use until then
	k.EndGrace(t)
	p.Get("/bouncer").Says("is over, so it is stopped in a moment").SaysNot("runs on until")
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	p.Get("/bouncer").Says("Ready").SaysNot("has no bouncer of your own", "Keep it")
	p.Get("/billing").SaysNot("Your own bouncer")
	if c.Stored("ada") == nil {
		t.Error("the bouncer is gone")
	}
}

func TestABouncerThatThePlanStoppedSaysWhatToDo(t *testing.T) {
	c, k, p := downgraded(t)
	k.EndGrace(t)
	stop(c, true)
	p.Get("/bouncer").Says("Stopped", "your plan, Free, has no bouncer of your own", "Everything in it is kept", "you are on the shared bouncer",
		"it starts again at once").Has("/billing").Has("/bouncer/delete").SaysNot("Our support", "stopped in a moment")
	p.Get("/billing").Says("It is stopped, because your plan has no bouncer of your own").Has("/bouncer")
	// Nobody is without a bouncer.
	p.Get("/connect").Says("Your own bouncer is not ready", "irc.localhost")
	p.Post("/networks", portaltest.Libera...).Says("libera is added").Status(200)
	if limit, told := c.Bouncer.Users["ada"]; !told || limit != 1 {
		t.Errorf("the shared bouncer knows %v", c.Bouncer.Users)
	}
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	p.Get("/bouncer").Says("Your plan has a bouncer of your own again, so it starts in a moment.").SaysNot("Keep it")
	stop(c, false)
	p.Get("/bouncer").Says("Ready").SaysNot("Stopped")
}

func TestAnAdministratorsSuspensionIsNotSaidToBeThePlans(t *testing.T) {
	c, k, p := downgraded(t)
	k.EndGrace(t)
	c.Change("ada", func(b *v1alpha1.SojuBouncer) { b.Spec.Suspended, b.Spec.OverPlan = true, true })
	p.Get("/bouncer").Says("Suspended", "Our support tells you why").SaysNot("Until it starts again")
}

func TestAnOpenPageFollowsThePlan(t *testing.T) {
	c, k, p := downgraded(t)
	s := p.Follow("/bouncer/events")
	s.Says("own-state", "Yours runs on until")
	k.EndGrace(t)
	stop(c, true)
	s.Says("own-state", "It is on no network, because your plan, Free, has no bouncer of your own.")
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	stop(c, false)
	if page := s.Says("own-state", "It is up"); page.Find(".alert").Length() != 0 {
		t.Error("the page still says that it ends")
	}
}
