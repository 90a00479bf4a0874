package portal_test

import (
	"testing"
	"time"

	"irc.now/operators/client/clienttest"
	"irc.now/shared/account"
)

// startCloudTill is a portal on a cluster that sells.
func startCloudTill(t *testing.T) (*cloud, *till) {
	t.Helper()
	c := &cloud{t: t, tenants: clienttest.Start(t, "get", "list", "watch", "create", "delete")}
	env := c.tenants.Env()
	env["PLATFORM_KEY"] = platformKey.Reveal()
	k := startTill(t, env)
	c.rig = k.rig
	return c, k
}

// downgraded is somebody with a bouncer of their own, whose plan has ended.
func downgraded(t *testing.T) (*cloud, *till, *person) {
	t.Helper()
	c, k := startCloudTill(t)
	p := c.user(t, "ada")
	k.settle(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	p.post("/bouncer")
	c.finish("ada")
	k.settle(t, "ada", account.Ended, account.Holdings{})
	return c, k, p
}

func (k *till) graceIsOver(t *testing.T) {
	t.Helper()
	if _, err := k.pool.Exec(t.Context(), `UPDATE billing SET keep_until = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
}

// stop is what functions/limits does.
func (c *cloud) stop(over bool) {
	c.t.Helper()
	b := c.stored("ada")
	b.Spec.OverPlan = over
	if err := c.tenants.Update(c.t.Context(), b); err != nil {
		c.t.Fatal(err)
	}
}

func TestDuringTheGraceThePagesSayUntilWhenTheBouncerRuns(t *testing.T) {
	c, k, p := downgraded(t)
	until := time.Now().UTC().Add(account.Grace).Format("2 Jan 2006")
	p.get("/bouncer").says("Ready", "Your plan, Free, has no bouncer of your own. Yours runs on until "+until, "Nothing in it is deleted",
		"With Pro this one keeps running").has("/billing").has("/bouncer/delete")
	p.get("/billing").says("Your own bouncer", "Yours runs on until "+until).saysNot("It is stopped").has("/bouncer")
	p.get("/connect").says("ada.irc.test") // which is theirs to use until then
	k.graceIsOver(t)
	p.get("/bouncer").says("is over, so it is stopped in a moment").saysNot("runs on until")
	k.settle(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	p.get("/bouncer").says("Ready").saysNot("has no bouncer of your own", "Keep it")
	p.get("/billing").saysNot("Your own bouncer")
	if c.stored("ada") == nil {
		t.Error("the bouncer is gone")
	}
}

func TestABouncerThatThePlanStoppedSaysWhatToDo(t *testing.T) {
	c, k, p := downgraded(t)
	k.graceIsOver(t)
	c.stop(true)
	p.get("/bouncer").says("Stopped", "your plan, Free, has no bouncer of your own", "Everything in it is kept", "you are on the shared bouncer",
		"it starts again at once").has("/billing").has("/bouncer/delete").saysNot("Our support", "stopped in a moment")
	p.get("/billing").says("It is stopped, because your plan has no bouncer of your own").has("/bouncer")
	// Nobody is without a bouncer.
	p.get("/connect").says("Your own bouncer is not ready", "irc.localhost")
	p.post("/networks", libera...).says("Libera.Chat is added").status(200)
	if limit, told := c.bouncer.users["ada"]; !told || limit != 1 {
		t.Errorf("the shared bouncer knows %v", c.bouncer.users)
	}
	k.settle(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	p.get("/bouncer").says("Your plan has a bouncer of your own again, so it starts in a moment.").saysNot("Keep it")
	c.stop(false)
	p.get("/bouncer").says("Ready").saysNot("Stopped")
}

func TestAnAdministratorsSuspensionIsNotSaidToBeThePlans(t *testing.T) {
	c, k, p := downgraded(t)
	k.graceIsOver(t)
	b := c.stored("ada")
	b.Spec.Suspended, b.Spec.OverPlan = true, true
	if err := c.tenants.Update(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p.get("/bouncer").says("Suspended", "Our support tells you why").saysNot("Until it starts again")
}

func TestAnOpenPageFollowsThePlan(t *testing.T) {
	c, k, p := downgraded(t)
	s := p.follow(t)
	s.says("own-state", "Yours runs on until")
	k.graceIsOver(t)
	c.stop(true)
	s.says("own-state", "It is on no network, because your plan, Free, has no bouncer of your own.")
	k.settle(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	c.stop(false)
	if page := s.says("own-state", "It is up"); page.Find(".alert").Length() != 0 {
		t.Error("the page still says that it ends")
	}
}

func TestABouncerOfNoDowngradeHasNoEnd(t *testing.T) {
	c := startCloud(t)
	p := c.user(t, "ada")
	c.tenants.Put(c.tenants.Bouncer("ada", "ada")) // an administrator's gift
	p.get("/bouncer").says("Being set up").saysNot("Yours runs on until", "stopped in a moment")
}
