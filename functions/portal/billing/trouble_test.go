package billing_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/tests/eventually"
)

// wantSyncRequests counts how often functions/billing was asked to look at Stripe.
func wantSyncRequests(t *testing.T, k *portaltest.Till, want int) {
	t.Helper()
	var got int
	err := k.Pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE event::jsonb->>'type' = $1`, event.SyncRequestedType).Scan(&got)
	if err != nil || got != want {
		t.Errorf("a sync was requested %d times, want %d (%v)", got, want, err)
	}
}

// payer is somebody who has bought Pro, with all of it known.
func payer(t *testing.T) (*portaltest.Till, *portaltest.Person) {
	t.Helper()
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	checkout := ada.Post("/billing/order", "product", "pro", "quantity", "1").Status(http.StatusOK)
	k.Shop.Pay(t, checkout.Request.URL.String())
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	return k, ada
}

// atStripe does something where the customer manages the subscription.
func atStripe(t *testing.T, k *portaltest.Till, who *portaltest.Person, action string) {
	t.Helper()
	k.Shop.Act(t, who.Post("/billing/manage").Status(http.StatusOK).Says("Your subscription"), action)
}

func customerID(t *testing.T, k *portaltest.Till) string {
	t.Helper()
	billing, err := k.Accounts.BillingOf(t.Context(), k.Account(t, "ada").ID)
	if err != nil {
		t.Fatal(err)
	}
	return billing.CustomerID
}

func TestWhoComesBackToWhatIsThereDoesNotWait(t *testing.T) {
	_, ada := payer(t)
	ada.Get("/billing/back?product=pro&quantity=1").Status(http.StatusOK).Says("This is what you have now", "You have Pro").SaysNot("Waiting")
}

func TestAnOrderForWhatIsThereSaysSo(t *testing.T) {
	k, ada := payer(t)
	ada.Post("/billing/order", "product", "bot", "quantity", "0").Status(http.StatusOK).
		Says("Nothing has changed", "LOCAL-0001", "You have Pro").SaysNot("Waiting")
	wantSyncRequests(t, k, 0)
	// Stripe has it already and we do not: its notice was lost, and the order finds that out.
	ada.Post("/billing/order", "product", "bot", "quantity", "2").Status(http.StatusOK).Says("Waiting for our payment service")
	ada.Post("/billing/order", "product", "bot", "quantity", "2").Status(http.StatusOK).Says("Waiting for our payment service")
	wantSyncRequests(t, k, 2)
}

func TestWhileAPageWaitsTheRestIsThere(t *testing.T) {
	_, ada := payer(t)
	page := ada.Post("/billing/order", "product", "bot", "quantity", "2").Status(http.StatusOK).Says("Waiting", "What the plans give", "LOCAL-0001")
	if page.Find(`form[action="/billing/order"]`).Length() != 0 {
		t.Error("while one order is under way another can be placed")
	}
}

func TestEveryWaitEndsByAskingStripe(t *testing.T) {
	k, ada := payer(t)
	for _, path := range []string{"/billing?after=1&since=1", "/billing/state?after=1&since=1", "/billing?after=1", "/billing?after=1&since=99999999999"} {
		page := ada.Get(path).Status(http.StatusOK).SaysNot("Waiting")
		if page.Find("[data-live-done]").Length() != 1 || !strings.Contains(page.Document.Text(), "Nothing has changed") {
			t.Errorf("%s: %s", path, page.Document.Text())
		}
	}
	ada.Post("/billing/order", "product", "bot", "quantity", "2").Says("Waiting")
	ada.Get("/billing?after=1&since=1").Status(http.StatusOK).Says("On its way").SaysNot("Waiting")
	k.Shop.Close()
	ada.Get("/billing?after=1&since=1").Status(http.StatusOK).Says("Not confirmed yet", "does not answer").SaysNot("Waiting")
}

func TestADeletedCustomerBuysAndManagesAgain(t *testing.T) {
	k, ada := payer(t)
	atStripe(t, k, ada, "delete-customer")
	gone := customerID(t, k)
	ada.Post("/billing/manage").Status(http.StatusOK).Says("No subscription")
	fresh := customerID(t, k)
	if fresh == gone {
		t.Fatal("the deleted customer stays")
	}
	wantSyncRequests(t, k, 1) // what the deleted one had is paid for no more
	k.Sync(t, "ada", account.NeverPaid, account.Holdings{})
	checkout := ada.Post("/billing/order", "product", "pro", "quantity", "1").Status(http.StatusOK).Says("1 × Pro")
	k.Shop.Pay(t, checkout.Request.URL.String())
	k.Sync(t, "ada", account.Paid, account.Holdings{Plan: account.Pro})
	ada.Get("/billing").Says("You have Pro", "Paid")

	// Deleted once more, it is the order that finds it out.
	atStripe(t, k, ada, "delete-customer")
	ada.Post("/billing/order", "product", "pro", "quantity", "1").Status(http.StatusOK).Says("1 × Pro")
	if again := customerID(t, k); again == fresh || again == gone {
		t.Errorf("the customer is %s", again)
	}
}

func TestTheBankIsAskedOnAPage(t *testing.T) {
	k, ada := payer(t)
	atStripe(t, k, ada, "card-asks")
	bank := ada.Post("/billing/order", "product", "log-search", "quantity", "1").Status(http.StatusOK).Says("Pay, and confirm at the bank")
	// Who closed that page finds it again.
	page := ada.Get("/billing").Says("A payment is open", "Confirm or pay it")
	if page.Find(`a[href="`+bank.Request.URL.String()+`"]`).Length() == 0 {
		t.Error("nothing leads to the bank's page")
	}
	k.Shop.Pay(t, bank.Request.URL.String())
	ada.Get("/billing").SaysNot("A payment is open")
}

func TestEachReasonIsAPageAndNoAlarm(t *testing.T) {
	k, ada := payer(t)
	for _, row := range []struct {
		action string
		status int
		says   string
	}{
		{"card-none", http.StatusConflict, "There is no card to charge. Choose Manage"},
		{"card-declined", http.StatusUnprocessableEntity, "Your card was declined"},
		{"schedule", http.StatusConflict, "planned already"},
	} {
		atStripe(t, k, ada, row.action)
		ada.Post("/billing/order", "product", "log-search", "quantity", "1").Status(row.status).Says(row.says)
	}
}

func TestMoneyThatWentBackIsShown(t *testing.T) {
	k, ada := payer(t)
	keep := func(r account.Reversal) {
		t.Helper()
		if err := k.Accounts.KeepReversal(t.Context(), k.Account(t, "ada").ID, r); err != nil {
			t.Fatal(err)
		}
	}
	keep(account.Reversal{ID: "ch_1", Kind: account.Refund, Status: account.Part, Amount: 150, Currency: "usd"})
	ada.Get("/billing").Status(http.StatusOK).Says("Money that went back", "Refund: $1.50").SaysNot("disputed at your bank")
	keep(account.Reversal{ID: "dp_1", Kind: account.Dispute, Status: account.Open, Amount: 400, Currency: "usd"})
	ada.Get("/billing").Says("disputed at your bank", "Disputed payment: $4.00")
	ada.Post("/billing/order", "product", "bot", "quantity", "2").Status(http.StatusConflict).Says("Once that is decided")
	ada.Post("/billing/order", "product", "pro", "quantity", "0").Status(http.StatusOK) // giving back goes on
	keep(account.Reversal{ID: "dp_1", Kind: account.Dispute, Status: account.Won, Amount: 400, Currency: "usd"})
	ada.Get("/billing").Says("the payment stands").SaysNot("disputed at your bank")
}

// Between the reading of who is signed in and that of the billing, functions/billing writes both.
func TestWhatIsConfirmedIsWhatIsShown(t *testing.T) {
	k := portaltest.StartTill(t)
	ada := k.User(t, "ada")
	user := k.Account(t, "ada")
	if _, err := k.Accounts.LinkCustomer(t.Context(), user.ID, "cus_ada"); err != nil {
		t.Fatal(err)
	}
	tx, err := k.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	execute := func(statement string) {
		t.Helper()
		if _, err := tx.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	execute(`LOCK TABLE billing IN ACCESS EXCLUSIVE MODE`)
	text := make(chan string)
	go func() { text <- ada.Get("/billing/state?after=0&since=1").Document.Text() }()
	eventually.Within(t, 20*time.Second, func(ctx context.Context) error {
		var waits bool
		err := k.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'billing'::regclass AND NOT granted)`).Scan(&waits)
		if err != nil {
			return err
		}
		return eventually.True(waits, "the page does not ask for the billing")
	})
	execute(`UPDATE account SET plan = 'pro'`)
	execute(`UPDATE billing SET version = version + 1, standing = 'paid'`)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-text; !strings.Contains(got, "Confirmed") || !strings.Contains(got, "Pro") {
		t.Errorf("the page says %s", got)
	}
}
