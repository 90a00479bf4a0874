package local_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/tests/eventually"
)

// bouncerServ gives soju a command about networks, as the user's own IRC client does, and returns its answer.
func bouncerServ(c *serverstest.Client, format string, args ...any) string {
	c.Send("PRIVMSG BouncerServ :network " + fmt.Sprintf(format, args...))
	return strings.Join(c.Expect("PRIVMSG", "network").Params, " ")
}

// createNetwork adds a network to the local server by IRC and reports whether soju did it.
func createNetwork(t *testing.T, c *serverstest.Client, name string) bool {
	t.Helper()
	answer := bouncerServ(c, "create -addr irc+insecure://%s -name %s", site.Network, name)
	if !strings.Contains(answer, "created") && !strings.Contains(answer, "maximum") {
		t.Fatalf("soju answers %q", answer)
	}
	return strings.Contains(answer, "created")
}

// TestAPlanReachesTheBouncerWithoutAVisit wants the limit in soju itself to follow the plan, although its user opens
// no page of the portal meanwhile: whoever paid for a month must not keep the room for good.
func TestAPlanReachesTheBouncerWithoutAVisit(t *testing.T) {
	p := newcomer(t)
	p.joinLocalNetwork("#kept")
	c := p.connect(p.newPassword("irssi"))
	if createNetwork(t, c, "early") {
		t.Fatal("soju gave a free user a second network")
	}
	page := p.visit("/billing").Submit(`form[action="/billing/manage"] button, input[value="pro"]`, nil)
	page.Submit(`button[value="pay"]`, nil).Says(http.StatusOK, "Plan and billing")
	eventually.Within(t, patience, func(context.Context) error {
		return eventually.True(createNetwork(t, c, "second"), "soju refuses a second network")
	})
	p.awaitPlan("Pro", "Paid")
	eventually.Within(t, patience, func(context.Context) error { // a page may be two seconds old
		words := p.visit("/networks").Words("main")
		return eventually.True(strings.Contains(words, "second"), "the portal does not know the second network: %s", words)
	})
	p.visit("/networks/new?from=custom").Says(http.StatusOK, "Add a network")

	p.manage("cancel-now") // ends at Stripe's page
	eventually.Within(t, patience, func(context.Context) error {
		if !createNetwork(t, c, "third") {
			return nil
		}
		bouncerServ(c, "delete third")
		return errors.New("soju still gives networks to somebody who is free again")
	})

	p.awaitPlan("Free", "Ended")
	kept := p.visit("/networks").Says(http.StatusOK, "second").Says(http.StatusOK, "#kept")
	kept.Says(http.StatusOK, "You have 2 networks; your plan allows one network")
	p.visit("/billing").Says(http.StatusOK, "Everything stays as it is until")
	p.visit("/networks/new?from=custom").Says(http.StatusForbidden, "No room for another network")
	c.Send("PRIVMSG BouncerServ :network status")
	c.Expect("PRIVMSG", localUpstream+" (")
	c.Expect("PRIVMSG", "second (")
}
