package portaltest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/stripe"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/event/inbox"
)

// Shop is the stand-in for Stripe.
type Shop struct{ *httptest.Server }

// OpenShop opens one that sells everything, and closes it when the test ends.
func OpenShop(t testing.TB) Shop {
	t.Helper()
	var api http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	server, err := stripe.New(stripe.Config{
		URL: config.URL(front.URL), Key: "sk_test", Secrets: []config.Secret{"whsec"},
		Prices: []stripe.Price{
			{ID: "price_pro", Name: "Pro", Amount: 400}, {ID: "price_log", Name: "Log search", Amount: 200},
			{ID: "price_bot", Name: "Bot", Amount: 200}, {ID: "price_starter", Name: "Starter", Amount: 1200},
			{ID: "price_growth", Name: "Growth", Amount: 2400},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	api = server
	return Shop{front}
}

// Env is the environment of a portal that sells here.
func (s Shop) Env() map[string]string {
	return map[string]string{
		"STRIPE_KEY": "sk_test", "STRIPE_API_URL": s.URL, "STRIPE_PAGES": s.URL,
		"STRIPE_PRICE_PRO": "price_pro", "STRIPE_PRICE_LOG_SEARCH": "price_log", "STRIPE_PRICE_BOT": "price_bot",
		"STRIPE_PRICE_STARTER": "price_starter", "STRIPE_PRICE_GROWTH": "price_growth",
	}
}

// Pay presses "Pay" on one of the shop's pages and gives where the browser is led.
func (s Shop) Pay(t testing.TB, page string) string {
	t.Helper()
	return s.press(t, page, url.Values{"action": {"pay"}})
}

// Act does something to the newest subscription on the page where a customer manages it, as the stand-in names it.
func (s Shop) Act(t testing.TB, manage *Page, action string) {
	t.Helper()
	subscription, found := manage.Find(`input[name="subscription"]`).First().Attr("value")
	if !found {
		t.Fatalf("%s has no subscription", manage.Request.URL)
	}
	s.press(t, manage.Request.URL.String(), url.Values{"action": {action}, "subscription": {subscription}})
}

func (s Shop) press(t testing.TB, page string, form url.Values) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s at %s: status %d", form.Get("action"), page, response.StatusCode)
	}
	return response.Header.Get("Location")
}

// Till is a portal that sells, and the accounts behind it.
type Till struct {
	*Rig

	Shop     Shop
	Accounts *account.Store
}

// StartTill starts a portal that sells.
func StartTill(t testing.TB) *Till {
	t.Helper()
	shop := OpenShop(t)
	return TillOf(Start(t, With(shop.Env())), shop)
}

// TillOf is the till of a portal that was started with the shop's environment.
func TillOf(g *Rig, shop Shop) *Till { return &Till{g, shop, account.NewStore(g.Pool)} }

// Account is the account of the user called handle.
func (k *Till) Account(t testing.TB, handle account.Handle) account.User {
	t.Helper()
	user, err := k.Accounts.ByHandle(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// Sync writes what functions/billing would. What was paid for ends on 31 January 2027.
func (k *Till) Sync(t testing.TB, handle account.Handle, standing account.Standing, holdings account.Holdings) {
	t.Helper()
	billing, err := k.Accounts.LinkCustomer(t.Context(), k.Account(t, handle).ID, "cus_of_"+string(handle))
	if err != nil {
		t.Fatal(err)
	}
	customer, _, err := k.Accounts.CustomerForEvent(t.Context(), billing.CustomerID, inbox.Key{})
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	state := account.BillingState{Standing: standing, PeriodEnd: &end, Holdings: holdings}
	if _, err := k.Accounts.Sync(t.Context(), k.Pool, customer, state, inbox.Key{}); err != nil {
		t.Fatal(err)
	}
}

// EndGrace lets the time be over for which a downgrade keeps everything.
func (k *Till) EndGrace(t testing.TB) {
	t.Helper()
	k.Execute(t, `UPDATE billing SET keep_until = now() - interval '1 second'`)
}
