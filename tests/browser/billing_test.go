package browser_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"irc.now/tests/browser"
	"irc.now/tests/eventually"
)

// TestBuyingPro buys, changes and cancels in a real browser: its security policy must let the forms lead to where one
// pays and back, and the page must tell by itself when the payment has arrived.
func TestBuyingPro(t *testing.T) {
	v := &visitor{browser.Start(t), t, "phone-dark"}
	v.Emulate(browser.Phone, "dark")
	v.signUp("ida")
	v.Visit(site.Portal + "/billing")
	v.says("You pay nothing")
	v.look("billing-free")
	v.press("Upgrade to Pro")
	v.says("1 × Pro")
	v.look("checkout")
	v.Excuse("/c/pay/*", http.StatusUnprocessableEntity)
	v.press("Card declined")
	v.says("declined")
	v.press("Pay")
	// The page refreshes itself; whichever came first, the webhook or the page, it says so in the end.
	v.awaits("Confirmed")
	v.Visit(site.Portal + "/billing")
	v.says("You have Pro")
	v.look("billing-pro")
	v.press("Manage")
	v.says("$4.00 each month")
	v.look("stripe-portal")
	v.press("Cancel subscription")
	v.press("Back to irc.now")
	v.awaitsAfterReload("Cancelled")
	v.look("billing-ending")
}

const patience = 20 * time.Second

// awaits waits until the page itself says text.
func (v *visitor) awaits(text string) {
	v.t.Helper()
	v.Do(chromedp.Poll[chromedp.Void](`document.querySelector("main").innerText.includes("`+text+`")`, chromedp.WithPollingTimeout(patience)))
}

// awaitsAfterReload reloads until the page says text: the webhook may come after the browser.
func (v *visitor) awaitsAfterReload(text string) {
	v.t.Helper()
	eventually.Within(v.t, patience, func(context.Context) error {
		v.Visit(site.Portal + "/billing")
		said := browser.Evaluate[string](v.Browser, `document.querySelector("main").innerText`)
		return eventually.True(strings.Contains(said, text), "the page does not say %q but:\n%s", text, said)
	})
}
