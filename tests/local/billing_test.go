package local_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/longrunning/local/stripe"
	"irc.now/tests/eventually"
	"irc.now/tests/webclient"
)

// checkout orders Pro and ends at the page where one pays.
func (p *person) checkout() *webclient.Page {
	p.t.Helper()
	return p.user().Checkout()
}

// pay buys Pro; what comes of it takes the way of the events.
func (p *person) pay() {
	p.t.Helper()
	p.user().Pay()
}

// manage presses a button on Stripe's page about the subscription.
func (p *person) manage(action string) {
	p.t.Helper()
	p.user().Manage(action)
}

// awaitPlan reloads the billing page until it shows just these facts: the plan, what there is beside it, and the
// state of the subscription.
func (p *person) awaitPlan(want ...string) {
	p.t.Helper()
	p.user().AwaitPlan(want...)
}

// awaitTaken waits until the stand-in has got rid of all webhooks.
func awaitTaken(t *testing.T) {
	t.Helper()
	eventually.Within(t, patience, func(context.Context) error {
		unsent := whole.Stripe().Unsent()
		return eventually.True(unsent == 0, "%d webhooks are not taken", unsent)
	})
}

// deliver changes how webhooks are sent until the test ends.
func deliver(t *testing.T, d stripe.Delivery) {
	t.Helper()
	t.Cleanup(func() { whole.Stripe().SetDelivery(stripe.Delivery{}) })
	whole.Stripe().SetDelivery(d)
}

// noDeadLetters wants that no event was given up.
func noDeadLetters(t *testing.T) {
	t.Helper()
	page := webclient.New(t).Visit(site.Events + "/dead-letters")
	if words := page.Words("body"); page.Status != http.StatusOK || strings.Contains(words, "com.stripe.") {
		t.Errorf("dead letters: %d %s", page.Status, words)
	}
}

func TestPayingAndCancelling(t *testing.T) {
	p := newcomer(t)
	p.joinLocalNetwork("#paying")
	page := p.checkout()
	page.Submit(`button[value="decline"]`, nil).Says(http.StatusUnprocessableEntity, "declined")
	p.awaitPlan("Free", "Free")

	p.pay()
	p.awaitPlan("Pro", "Paid")
	p.visit("/").Says(http.StatusOK, "Pro") // without signing out
	p.visit("/networks").Says(http.StatusOK, "as many networks as you like")
	p.awaitState("Connected") // the shared bouncer goes on as before

	p.manage("cancel")
	p.awaitPlan("Pro", "Cancelled")
	p.manage("renew")
	p.awaitPlan("Free", "Ended")
	p.awaitState("Connected") // and nothing was deleted
	noDeadLetters(t)
}

func TestAPaymentThatFails(t *testing.T) {
	p := newcomer(t)
	p.pay()
	p.awaitPlan("Pro", "Paid")
	p.manage("fail")
	p.awaitPlan("Pro", "Payment failed")
	p.manage("give-up")
	p.awaitPlan("Free", "Not paid")
	p.manage("pay")
	p.awaitPlan("Pro", "Paid")
}

func TestMoneyThatGoesBack(t *testing.T) {
	p := newcomer(t)
	p.pay()
	p.awaitPlan("Pro", "Paid")
	awaitPage := func(says string) {
		t.Helper()
		eventually.Within(t, patience, func(context.Context) error {
			words := p.visit("/billing").Words("main")
			return eventually.True(strings.Contains(words, says), "the page does not say %q: %s", says, words)
		})
	}
	p.manage("refund-part")
	awaitPage("Refund: $1.00")
	p.awaitPlan("Pro", "Paid") // a refund ends nothing
	p.manage("dispute")
	awaitPage("Disputed payment: $4.00")
	p.visit("/billing").Submit(`[name="quantity"][type="number"]`, webclient.Fields{"quantity": "3"}).Says(http.StatusConflict, "disputed at your bank")
	p.awaitPlan("Pro", "Paid") // and what is not decided ends nothing
	p.manage("dispute-lost")
	p.awaitPlan("Free", "Ended")
	awaitPage("the payment went back to you")
	noDeadLetters(t)
}

func TestAddOnsAreSetByNumber(t *testing.T) {
	p := newcomer(t)
	p.pay()
	p.awaitPlan("Pro", "Paid")
	p.visit("/billing").Submit(`[name="quantity"][type="number"]`, webclient.Fields{"quantity": "3"}).Says(http.StatusOK, "Plan and billing")
	p.awaitPlan("Pro", "3 extra bots", "Paid")
	p.visit("/billing").Submit(`input[value="growth"]`, nil)
	p.awaitPlan("Pro", "3 extra bots, Growth hosting", "Paid")
}

func TestNothingIsLostWhileTheBrokerIsStopped(t *testing.T) {
	p := newcomer(t)
	awaitTaken(t)
	broker := whole.Broker()
	withoutBroker := func(what func()) {
		t.Helper()
		if err := broker.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := broker.Start(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
		}()
		what()
		if whole.Stripe().Unsent() == 0 {
			t.Error("webhooks were taken although nobody could keep them")
		}
	}
	withoutBroker(func() {
		p.pay()
		p.awaitPlan("Free", "Free")
	})
	p.awaitPlan("Pro", "Paid")
	awaitTaken(t)
	withoutBroker(func() { p.manage("cancel-now") })
	p.awaitPlan("Free", "Ended")
	awaitTaken(t)
	noDeadLetters(t)
}

func TestRepeatedAndReversedWebhooksEndInTheSameState(t *testing.T) {
	p := newcomer(t)
	awaitTaken(t)
	for _, d := range []stripe.Delivery{{Copies: 5}, {Reverse: true}, {Copies: 5, Reverse: true}} {
		deliver(t, stripe.Delivery{Hold: true})
		if p.visit("/billing").Find(`input[value="pro"]`).Length() == 0 {
			t.Fatal("Pro cannot be bought")
		}
		p.visit("/billing").Submit(`input[value="pro"]`, nil).Submit(`button[value="pay"]`, nil)
		whole.Stripe().SetDelivery(d)
		p.awaitPlan("Pro", "Paid")
		awaitTaken(t)
		deliver(t, stripe.Delivery{Hold: true})
		p.manage("cancel")
		p.manage("keep")
		p.manage("cancel-now")
		whole.Stripe().SetDelivery(d)
		p.awaitPlan("Free", "Ended")
		awaitTaken(t)
	}
	noDeadLetters(t)
}

func TestASecretThatIsBeingReplaced(t *testing.T) {
	p := newcomer(t)
	p.pay()
	p.awaitPlan("Pro", "Paid")
	awaitTaken(t)
	server := whole.Stripe()
	present := server.SetSecrets("whsec_unknown")
	t.Cleanup(func() { server.SetSecrets(present...) })
	p.manage("cancel") // of what happens at Stripe, its webhooks alone tell
	eventually.Within(t, patience, func(context.Context) error {
		words := webclient.New(t).Visit(site.Stripe).Words("main")
		return eventually.True(strings.Contains(words, "Not taken (400)"), "what is signed with a secret of nobody's is not refused: %s", words)
	})
	p.awaitPlan("Pro", "Paid")
	server.SetSecrets("whsec_unknown", present[0])
	p.awaitPlan("Pro", "Cancelled")
}

func TestWhoHasPaidIsNotKeptWaitingByWebhooks(t *testing.T) {
	p := newcomer(t)
	awaitTaken(t)
	deliver(t, stripe.Delivery{Hold: true})
	p.pay()
	p.awaitPlan("Pro", "Paid")
	if whole.Stripe().Unsent() == 0 {
		t.Error("the webhooks were not held back")
	}
}

func TestForgedWebhooksChangeNothing(t *testing.T) {
	secrets := whole.Stripe().SetSecrets()
	whole.Stripe().SetSecrets(secrets...)
	secret := secrets[0].Reveal()
	event := `{"id":"evt_forged","type":"customer.subscription.created","created":1,` +
		`"data":{"object":{"id":"sub_1","object":"subscription","customer":"cus_1"}}}`
	large := `{"id":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, row := range map[string]struct {
		body, secret string
		at           time.Time
		status       int
	}{
		"forged":   {event, "whsec_guess", time.Now(), 400},
		"replayed": {event, secret, time.Now().Add(-10 * time.Minute), 400},
		"10 MB":    {large, secret, time.Now(), 413},
		"genuine":  {event, secret, time.Now(), 204},
	} {
		if status := post(t, row.body, row.secret, row.at); status != row.status {
			t.Errorf("%s: status %d, want %d", name, status, row.status)
		}
	}
}

// post sends a webhook that was signed with secret at that time.
func post(t *testing.T, body, secret string, at time.Time) int {
	t.Helper()
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: at})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, whole.Webhook(), bytes.NewReader(signed.Payload))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Stripe-Signature", signed.Header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
