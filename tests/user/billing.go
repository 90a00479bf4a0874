package user

import (
	"net/http"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"irc.now/tests/eventually"
	"irc.now/tests/webclient"
)

// Checkout orders Pro and ends at the page where one pays.
func (p *Person) Checkout() *webclient.Page {
	p.T.Helper()
	page := p.Visit("/billing").Says(http.StatusOK, "You pay nothing")
	return page.Submit(`input[value="pro"]`, nil).Says(http.StatusOK, "1 × Pro")
}

// Pay buys Pro; what comes of it takes the way of the events.
func (p *Person) Pay() {
	p.T.Helper()
	p.Checkout().Submit(`button[value="pay"]`, nil).Says(http.StatusOK, "Plan and billing")
}

// Manage presses a button on Stripe's page about the subscription.
func (p *Person) Manage(action string) {
	p.T.Helper()
	page := p.Visit("/billing").Submit(`form[action="/billing/manage"] button`, nil).Says(http.StatusOK, "Your subscription")
	page.Submit(`button[value="`+action+`"]`, nil).Says(http.StatusOK, "Your subscription")
}

// AwaitPlan reloads the billing page until it shows just these facts: the plan, what there is beside it, and the
// state of the subscription.
func (p *Person) AwaitPlan(want ...string) {
	p.T.Helper()
	p.soon(func() error {
		facts := p.Facts()
		return eventually.True(slices.Equal(facts, want), "the page says %q, want %q", facts, want)
	})
}

// Facts are what the billing page says about the plan.
func (p *Person) Facts() []string {
	p.T.Helper()
	return p.Visit("/billing").Find("main .facts dd").Map(func(_ int, fact *goquery.Selection) string {
		return strings.TrimSpace(fact.Text())
	})
}
