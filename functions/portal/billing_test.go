package portal_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/longrunning/local/stripe"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
	"irc.now/shared/store"
)

// till is a portal that sells, the stand-in for Stripe, and the accounts behind both.
type till struct {
	*rig
	front    *httptest.Server
	pool     *pgxpool.Pool
	accounts *account.Store
}

func startTill(t *testing.T, change ...map[string]string) *till {
	t.Helper()
	k := &till{}
	var stripeHandler http.Handler
	k.front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeHandler.ServeHTTP(w, r) }))
	t.Cleanup(k.front.Close)
	server, err := stripe.New(stripe.Config{
		URL: config.URL(k.front.URL), Key: "sk_test", Secrets: []config.Secret{"whsec"},
		Prices: []stripe.Price{
			{ID: "price_pro", Name: "Pro", Amount: 400}, {ID: "price_log", Name: "Log search", Amount: 200},
			{ID: "price_bot", Name: "Bot", Amount: 200}, {ID: "price_starter", Name: "Starter", Amount: 1200},
			{ID: "price_growth", Name: "Growth", Amount: 2400},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	stripeHandler = server
	env := map[string]string{
		"STRIPE_KEY": "sk_test", "STRIPE_API_URL": k.front.URL, "STRIPE_PAGES": k.front.URL,
		"STRIPE_PRICE_PRO": "price_pro", "STRIPE_PRICE_LOG_SEARCH": "price_log", "STRIPE_PRICE_BOT": "price_bot",
		"STRIPE_PRICE_STARTER": "price_starter", "STRIPE_PRICE_GROWTH": "price_growth",
	}
	k.rig = start(t, append([]map[string]string{env}, change...)...)
	if k.pool, err = store.Open(t.Context(), k.database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.pool.Close)
	k.accounts = account.NewStore(k.pool)
	return k
}

// settle writes what functions/billing would.
func (k *till) settle(t *testing.T, handle account.Handle, standing account.Standing, holdings account.Holdings) {
	t.Helper()
	user, err := k.accounts.ByHandle(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	billing, err := k.accounts.LinkCustomer(t.Context(), user.ID, "cus_of_"+string(handle))
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	err = store.InTx(t.Context(), k.pool, func(tx pgx.Tx) error {
		_, err := k.accounts.Settle(t.Context(), tx, billing.CustomerID, account.Settlement{
			Version: billing.Version, Standing: standing, PeriodEnd: &end, Holdings: holdings,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pay presses "Pay" on the stand-in's page and gives where the browser is led.
func pay(t *testing.T, page string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"action": {"pay"}}
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
		t.Fatalf("paying at %s: status %d", page, response.StatusCode)
	}
	return response.Header.Get("Location")
}

func TestBuyingPro(t *testing.T) {
	k := startTill(t)
	ada := k.user(t, "ada")
	before := ada.get("/billing").status(http.StatusOK).says("Free", "You pay nothing", "$4.00 a month", "Hosting needs Pro")
	if before.Find("button:contains('Upgrade to Pro')").Length() != 1 {
		t.Error("there is no button to upgrade")
	}
	checkout := ada.post("/billing/order", "product", "pro", "quantity", "1").status(http.StatusOK).says("$4.00", "1 × Pro")
	back := pay(t, checkout.Request.URL.String())
	waiting := ada.get(strings.TrimPrefix(back, k.URL)).status(http.StatusOK).says("Waiting for our payment service")
	if live, _ := waiting.Find("[data-live]").Attr("data-live"); live != "/billing/state?after=0" {
		t.Errorf("the page refreshes itself from %q", live)
	}
	user, err := k.accounts.ByHandle(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	billing, err := k.accounts.BillingOf(t.Context(), user.ID)
	if err != nil || billing.CustomerID == "" || user.Plan != account.Free {
		t.Errorf("the portal gave something itself: %+v, %+v, %v", user, billing, err)
	}
	k.settle(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	ada.get("/billing/state?after=0").status(http.StatusOK)
	ada.get("/billing?after=0").says("Confirmed", "Pro", "It renews by itself on 31 Jan 2027")
	after := ada.get("/billing").says("You have Pro", "LOCAL-0001", "$4.00").saysNot("Waiting")
	if after.Find("button:contains('Upgrade')").Length() != 0 {
		t.Error("Pro can be bought twice")
	}
	ada.get("/").says("Pro") // no sign-out in between
	ada.post("/billing/order", "product", "bot", "quantity", "2").status(http.StatusOK).says("Waiting")
	ada.post("/billing/manage").status(http.StatusOK).says("$8.00 each month", "2 × Bot")
}

func TestEveryStandingIsSaid(t *testing.T) {
	k := startTill(t)
	ada := k.user(t, "ada")
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
		k.settle(t, "ada", row.standing, row.holdings)
		ada.get("/billing").status(http.StatusOK).says(row.says...)
	}
}

func TestOrdersAreRefusedWithASentence(t *testing.T) {
	k := startTill(t)
	ada := k.user(t, "ada")
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
		ada.post("/billing/order", "product", row.product, "quantity", row.quantity).status(row.status).says(row.says)
	}
}

// openCheckouts counts the pages on which the customer can pay.
func (k *till) openCheckouts(t *testing.T, customerID string) int {
	t.Helper()
	address := k.front.URL + "/v1/checkout/sessions?status=open&customer=" + customerID
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
	k := startTill(t)
	ada := k.user(t, "ada")
	ada.post("/billing/manage").status(http.StatusOK) // is a customer
	user, err := k.accounts.ByHandle(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	billing, err := k.accounts.BillingOf(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	client := payment.New(payment.Settings{
		Key: "sk_test", API: config.URL(k.front.URL), Pro: []string{"price_pro"},
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
		if open := k.openCheckouts(t, billing.CustomerID); open > 1 {
			t.Fatalf("there are %d pages to pay on", open)
		}
	}
}

func TestProIsNotGivenBackWhileHostingIsPaidFor(t *testing.T) {
	k := startTill(t)
	ada := k.user(t, "ada")
	checkout := ada.post("/billing/order", "product", "pro", "quantity", "1").status(http.StatusOK)
	pay(t, checkout.Request.URL.String())
	ada.post("/billing/order", "product", "starter", "quantity", "1").status(http.StatusOK)
	ada.post("/billing/order", "product", "pro", "quantity", "0").status(http.StatusConflict).says("give back hosting first")
	ada.post("/billing/order", "product", "starter", "quantity", "0").status(http.StatusOK)
	ada.post("/billing/order", "product", "pro", "quantity", "0").status(http.StatusOK)
}

func TestADowngradeSaysWhatIsTooMuchAndUntilWhen(t *testing.T) {
	k := startTill(t)
	ada := k.user(t, "ada")
	k.settle(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	for _, name := range []string{"one", "two"} {
		ada.post("/networks", "name", name, "host", name+".example.org", "port", "6697", "tls", "on", "nick", "ada")
	}
	ada.get("/billing").saysNot("More than your plan allows")
	k.settle(t, "ada", account.Ended, account.Holdings{})
	until := time.Now().UTC().Add(account.Grace).Format("2 Jan 2006")
	ada.get("/billing").says("You have 2 networks; your plan allows one network", "stays as it is until "+until)
	ada.get("/networks").says("one", "two", "You have 2 networks; your plan allows one network", "until "+until)
}

func TestThePageStaysWhenStripeIsAway(t *testing.T) {
	k := startTill(t)
	ada := k.user(t, "ada")
	k.settle(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	k.front.Close()
	ada.get("/billing").status(http.StatusOK).says("Pro", "does not answer at the moment")
}

func TestNothingIsSoldWithoutAKey(t *testing.T) {
	g := start(t)
	ada := g.user(t, "ada")
	ada.get("/billing").status(http.StatusNotFound)
	ada.get("/").saysNot(`href="/billing"`)
}

func TestFormsMayLeadToStripe(t *testing.T) {
	k := startTill(t)
	policy := k.user(t, "ada").get("/billing").Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, k.front.URL) {
		t.Errorf("the policy stops the way to pay: %s", policy)
	}
}

func TestOtherSitesCannotOrder(t *testing.T) {
	k := startTill(t)
	ada := k.user(t, "ada")
	page := ada.do(http.MethodPost, "/billing/order", "product=pro&quantity=1", "Sec-Fetch-Site", "cross-site")
	page.status(http.StatusForbidden)
}
