package billing_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
)

func TestBuyingPro(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	before := ada.Get("/billing").Status(http.StatusOK).Says("Free", "You pay nothing", "$4.00 a month", "Hosting needs Pro")
	if before.Find("button:contains('Upgrade to Pro')").Length() != 1 {
		t.Error("there is no button to upgrade")
	}
	checkout := ada.Post("/billing/order", "product", "pro", "quantity", "1").Status(http.StatusOK).Says("$4.00", "1 × Pro")
	back := k.Shop.Pay(t, checkout.Request.URL.String())
	waiting := ada.Get(strings.TrimPrefix(back, k.URL)).Status(http.StatusOK).Says("Waiting for our payment service").SaysNot("Waiting Waiting")
	if live, _ := waiting.Find("[data-live]").Attr("data-live"); !strings.HasPrefix(live, "/billing/state?after=0&since=") {
		t.Errorf("the page refreshes itself from %q", live)
	}
	wantSyncRequests(t, k, 1)
	user := k.Account(t, "ada")
	billing, err := k.Accounts.BillingOf(t.Context(), user.ID)
	if err != nil || billing.CustomerID == "" || user.Plan != account.Free {
		t.Errorf("the portal gave something itself: %+v, %+v, %v", user, billing, err)
	}
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	ada.Get("/billing/state?after=0").Status(http.StatusOK)
	ada.Get("/billing?after=0").Says("Confirmed", "Pro", "It renews by itself on 31 Jan 2027")
	after := ada.Get("/billing").Says("You have Pro", "LOCAL-0001", "$4.00").SaysNot("Waiting")
	if after.Find("button:contains('Upgrade')").Length() != 0 {
		t.Error("Pro can be bought twice")
	}
	ada.Get("/").Says("Pro") // no sign-out in between
	ada.Post("/billing/order", "product", "bot", "quantity", "2").Status(http.StatusOK).Says("Waiting")
	ada.Post("/billing/manage").Status(http.StatusOK).Says("$8.00 each month", "2 × Bot")
}

func TestEveryStandingIsSaid(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	pro := account.Holdings{Plan: account.Pro, ExtraBots: 3, LogSearch: true, Hosting: account.Growth}
	for _, row := range []struct {
		standing account.Standing
		holdings account.Holdings
		says     []string
	}{
		{account.Trial, pro, []string{"Trial", "31 Jan 2027"}},
		{account.Paid, pro, []string{"Paid", "Log search, 3 extra bots, Growth hosting"}},
		{account.Ending, pro, []string{"Cancelled", "You keep everything that you paid for until 31 Jan 2027"}},
		{account.PastDue, pro, []string{"Payment failed", "You keep everything meanwhile"}},
		{account.Unpaid, account.Holdings{}, []string{"Not paid", "pay the open invoice"}},
		{account.Unfinished, account.Holdings{}, []string{"Not finished"}},
		{account.Paused, account.Holdings{}, []string{"Paused"}},
		{account.Ended, account.Holdings{}, []string{"Ended", "Your subscription ended on 31 Jan 2027"}},
	} {
		k.Sync(t, "ada", row.standing, row.holdings)
		ada.Get("/billing").Status(http.StatusOK).Says(row.says...)
	}
}

func TestOrdersAreRefusedWithASentence(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	for _, row := range []struct {
		product, quantity string
		status            int
		says              string
	}{
		{"yacht", "1", 422, "Please choose"},
		{"bot", "many", 422, "Please choose"},
		{"bot", "101", 422, "from 0 to 100"},
		{"bot", "-1", 422, "from 0 to 100"},
		{"growth", "1", 409, "Hosting needs Pro"},
		{"pro", "0", 409, "nothing to give back"},
	} {
		ada.Post("/billing/order", "product", row.product, "quantity", row.quantity).Status(row.status).Says(row.says)
	}
}

// openCheckouts counts the pages on which the customer can pay.
func openCheckouts(t *testing.T, k *portaltest.Till, customerID string) int {
	t.Helper()
	address := k.Shop.URL + "/v1/checkout/sessions?status=open&customer=" + customerID
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_test")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var open struct{ Data []struct{} }
	if err := json.NewDecoder(response.Body).Decode(&open); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	return len(open.Data)
}

func TestOrdersAtTheSameMomentLeaveOnePageToPayOn(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	ada.Post("/billing/manage").Status(http.StatusOK) // is a customer
	user := k.Account(t, "ada")
	billing, err := k.Accounts.BillingOf(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	client := payment.New(payment.Settings{
		Key: "sk_test", API: config.URL(k.Shop.URL), Pro: []string{"price_pro"},
	}, slog.New(slog.DiscardHandler))
	for range 5 {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				_, err := client.Place(t.Context(), payment.Order{
					CustomerID: billing.CustomerID, AccountID: user.ID, Product: payment.Pro, Quantity: 1,
					SuccessURL: "http://my.example/", CancelURL: "http://my.example/",
				})
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if open := openCheckouts(t, k, billing.CustomerID); open > 1 {
			t.Fatalf("there are %d pages to pay on", open)
		}
	}
}

func TestProIsNotGivenBackWhileHostingIsPaidFor(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	checkout := ada.Post("/billing/order", "product", "pro", "quantity", "1").Status(http.StatusOK)
	k.Shop.Pay(t, checkout.Request.URL.String())
	ada.Post("/billing/order", "product", "starter", "quantity", "1").Status(http.StatusOK)
	ada.Post("/billing/order", "product", "pro", "quantity", "0").Status(http.StatusConflict).Says("give back hosting first")
	ada.Post("/billing/order", "product", "starter", "quantity", "0").Status(http.StatusOK)
	ada.Post("/billing/order", "product", "pro", "quantity", "0").Status(http.StatusOK)
}

func TestThePageStaysWhenStripeIsAway(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	k.Shop.Close()
	ada.Get("/billing").Status(http.StatusOK).Says("Pro", "does not answer at the moment")
}

func TestNothingIsSoldWithoutAKey(t *testing.T) {
	g := portaltest.Start(t)
	ada := g.User(t, "ada")
	ada.Get("/billing").Status(http.StatusNotFound)
	ada.Get("/").SaysNot(`href="/billing"`)
}

func TestFormsMayLeadToStripe(t *testing.T) {
	k := portaltest.StartTill(t)
	policy := k.User(t, "ada").Get("/billing").Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, k.Shop.URL) {
		t.Errorf("the policy stops the way to pay: %s", policy)
	}
}

func TestOtherSitesCannotOrder(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	page := ada.Do(http.MethodPost, "/billing/order", "product=pro&quantity=1", "Sec-Fetch-Site", "cross-site")
	page.Status(http.StatusForbidden)
}
