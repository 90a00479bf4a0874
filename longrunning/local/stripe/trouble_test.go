package stripe_test

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"

	"irc.now/shared/account"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
)

// refused wants an error of kind whose sentence says something.
func (s *shop) refused(product payment.Product, quantity int, kind fault.Kind, says string) {
	s.t.Helper()
	_, err := s.order(product, quantity)
	if !fault.Is(err, kind) || !strings.Contains(fault.Sentence(err), says) {
		s.t.Errorf("%d of %s: got %v, want %v that says %q", quantity, product, err, kind, says)
	}
}

// subscribe makes a subscription beside those of our checkouts.
func (s *shop) subscribe(prices ...string) *stripego.Subscription {
	s.t.Helper()
	params := &stripego.SubscriptionParams{Customer: stripego.String(s.customer)}
	for _, price := range prices {
		params.Items = append(params.Items, &stripego.SubscriptionItemsParams{Price: stripego.String(price)})
	}
	made, err := s.api().Subscriptions.New(params)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

func (s *shop) subscription(id string) *stripego.Subscription {
	s.t.Helper()
	found, err := s.api().Subscriptions.Get(id, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

func (s *shop) wantHoldings(want account.Holdings) {
	s.t.Helper()
	if got := s.state().Holdings; got != want.Normal() {
		s.t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestADeletedCustomerIsToldFromOtherTrouble(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	s.portal("delete-customer")
	if got := s.state(); got.Holdings.Plan != account.Free {
		t.Errorf("a deleted customer has %+v", got)
	}
	if _, err := s.order(payment.Pro, 1); !errors.Is(err, payment.ErrNoCustomer) {
		t.Errorf("an order: %v", err)
	}
	if _, err := s.client.Manage(t.Context(), s.customer, "http://my.irc.localhost/"); !errors.Is(err, payment.ErrNoCustomer) {
		t.Errorf("managing: %v", err)
	}
	gone := s.customer
	if again := s.newCustomer(); again != gone {
		t.Fatalf("the idempotency key gave %s", again) // else the next line proves nothing
	}
	fresh, err := s.client.CreateCustomer(t.Context(), account.User{ID: "user-1", Email: "ada@example.org"}, gone)
	if err != nil || fresh == gone {
		t.Fatalf("got %s, %v", fresh, err)
	}
	s.customer = fresh
	s.press(s.mustOrder(payment.Pro, 1), "pay")
	s.wantHoldings(account.Holdings{Plan: account.Pro})
}

func TestTheBankIsAskedOnStripesPage(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	s.portal("card-asks")
	page := s.mustOrder(payment.Bot, 2)
	if !strings.HasPrefix(page, s.url+"/i/") {
		t.Fatalf("led to %q", page)
	}
	s.wantHoldings(account.Holdings{Plan: account.Pro})
	if status, _ := s.press(page, "pay"); status != http.StatusSeeOther {
		t.Fatalf("confirming gave status %d", status)
	}
	s.wantHoldings(account.Holdings{Plan: account.Pro, ExtraBots: 2})
	s.allSent()
	if !slices.Contains(s.received(), "customer.subscription.pending_update_applied") {
		t.Errorf("webhooks: %v", s.received())
	}
}

func TestEachReasonHasItsSentence(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	s.portal("card-none")
	s.refused(payment.Bot, 1, fault.Conflict, "There is no card to charge")
	s.portal("card-declined")
	s.refused(payment.Bot, 1, fault.Invalid, "declined")
	s.portal("card-works")
	s.portal("schedule")
	s.refused(payment.Bot, 1, fault.Conflict, "planned already")
	s.refused(payment.Pro, 0, fault.Conflict, "planned already")
	s.wantHoldings(account.Holdings{Plan: account.Pro})
}

func TestAnOrderForWhatIsThereChangesNothing(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	s.mustOrder(payment.Starter, 1)
	s.allSent()
	before := len(s.received())
	for _, row := range []struct {
		product  payment.Product
		quantity int
	}{{payment.Bot, 0}, {payment.Starter, 1}, {payment.Growth, 0}} {
		if placed, err := s.place(row.product, row.quantity); err != nil || placed != (payment.Placed{}) {
			t.Errorf("%d of %s: %+v, %v", row.quantity, row.product, placed, err)
		}
	}
	s.allSent()
	if len(s.received()) != before {
		t.Errorf("Stripe told of %v", s.received()[before:])
	}
	if placed, err := s.place(payment.Bot, 1); err != nil || !placed.Changed {
		t.Errorf("a bot: %+v, %v", placed, err)
	}
}

func TestOfTwoSubscriptionsTheOneWithTheProductIsChanged(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	pro := s.state().Subscription
	other := s.subscribe("price_log", "price_bot")
	s.mustOrder(payment.Bot, 3)
	s.wantHoldings(account.Holdings{Plan: account.Pro, ExtraBots: 3, LogSearch: true})
	s.mustOrder(payment.Starter, 1)
	s.mustOrder(payment.Bot, 0)
	s.wantHoldings(account.Holdings{Plan: account.Pro, LogSearch: true, Hosting: account.Starter})
	s.mustOrder(payment.LogSearch, 0)
	if got := s.subscription(other.ID); !got.CancelAtPeriodEnd {
		t.Error("the subscription whose last line was given back goes on")
	}
	if got := s.subscription(pro); got.CancelAtPeriodEnd || len(got.Items.Data) != 2 {
		t.Errorf("the one with Pro: cancelled %t, %d lines", got.CancelAtPeriodEnd, len(got.Items.Data))
	}
	// One ends, the other goes on and can be changed.
	s.refused(payment.LogSearch, 0, fault.Conflict, "ends with it")
	s.mustOrder(payment.Growth, 1)
	s.wantHoldings(account.Holdings{Plan: account.Pro, LogSearch: true, Hosting: account.Growth})
}

func TestBotsInTwoSubscriptionsAreCountedTogether(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	s.mustOrder(payment.Bot, 2)
	s.subscribe("price_bot", "price_log")
	s.wantHoldings(account.Holdings{Plan: account.Pro, ExtraBots: 3, LogSearch: true})
	s.mustOrder(payment.Bot, 2)
	s.wantHoldings(account.Holdings{Plan: account.Pro, ExtraBots: 2, LogSearch: true})
}

func TestForeignLinesStay(t *testing.T) {
	s := newShop(t, "")
	s.newCustomer()
	mixed := s.subscribe("price_pro", "price_advice")
	s.mustOrder(payment.Pro, 0)
	got := s.subscription(mixed.ID)
	if got.CancelAtPeriodEnd || len(got.Items.Data) != 1 || got.Items.Data[0].Price.ID != "price_advice" {
		t.Errorf("cancelled %t, lines %v", got.CancelAtPeriodEnd, got.Items.Data)
	}
	// What is left is nothing of ours: nobody pays us for it, and buying Pro makes a subscription of its own.
	if state := s.state(); state.Standing != account.NeverPaid || state.Holdings.Plan != account.Free {
		t.Errorf("got %+v", state)
	}
	if page := s.mustOrder(payment.Pro, 1); !strings.Contains(page, "/c/pay/") {
		t.Errorf("led to %q", page)
	}
}

func TestALostPriceIsNotForSaleAndTheOthersAre(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	with := settings(s.url)
	with.Bot, with.LogSearch = []string{"price_lost"}, []string{"price_old"}
	s.client = payment.New(with, slog.New(slog.DiscardHandler))
	offers, err := s.client.Offers(t.Context())
	if _, sold := offers[payment.Pro]; err != nil || !sold || len(offers) != 3 {
		t.Errorf("offers: %v, %v", offers, err)
	}
	s.refused(payment.Bot, 1, fault.Unavailable, "cannot sell this")
}

func TestOneSubscriptionIsPaidByOneInterval(t *testing.T) {
	s := newShop(t, "")
	with := settings(s.url)
	with.ProYearly = []string{"price_pro_year"}
	s.client = payment.New(with, slog.New(slog.DiscardHandler))
	if offers, err := s.client.Offers(t.Context()); err != nil || offers[payment.Pro].Yearly == nil || offers[payment.Pro].Yearly.Price != "$40.00" {
		t.Errorf("offers: %+v, %v", offers, err)
	}
	s.newCustomer()
	placed, err := s.client.Place(t.Context(), payment.Order{
		CustomerID: s.customer, AccountID: "user-1", Product: payment.Pro, Quantity: 1, Yearly: true,
		SuccessURL: "http://my.irc.localhost/", CancelURL: "http://my.irc.localhost/",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.press(placed.Redirect, "pay")
	s.wantHoldings(account.Holdings{Plan: account.Pro})
	s.refused(payment.Bot, 1, fault.Conflict, "by the year")
}

func TestTaxAndPromotionCodesAreAskedForWhereConfigured(t *testing.T) {
	s := newShop(t, "")
	with := settings(s.url)
	with.AutomaticTax, with.PromotionCodes = true, true
	s.client = payment.New(with, slog.New(slog.DiscardHandler))
	s.newCustomer()
	s.mustOrder(payment.Pro, 1)
	for _, call := range s.calls {
		if call.target != "/v1/checkout/sessions" || call.method != http.MethodPost {
			continue
		}
		for _, param := range []string{"automatic_tax[enabled]=true", "customer_update[address]=auto", "allow_promotion_codes=true"} {
			if !strings.Contains(call.body, param) {
				t.Errorf("the checkout lacks %s: %s", param, call.body)
			}
		}
		return
	}
	t.Error("no checkout was opened")
}

func TestADeclinedCardChangesNothing(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	s.portal("fail")
	if _, err := s.order(payment.Bot, 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("an add-on while a payment is open: %v", err)
	}
	// Straight at the API, where our own rule does not stand in the way.
	params := &stripego.SubscriptionParams{
		Items:             []*stripego.SubscriptionItemsParams{{Price: stripego.String("price_bot")}},
		ProrationBehavior: stripego.String("always_invoice"), PaymentBehavior: stripego.String("error_if_incomplete"),
	}
	_, err := s.api().Subscriptions.Update(s.state().Subscription, params)
	if refused, ok := errors.AsType[*stripego.Error](err); !ok || refused.Code != stripego.ErrorCodeCardDeclined {
		t.Errorf("got %v", err)
	}
	if s.state().Holdings.ExtraBots != 0 {
		t.Error("the declined card bought a bot")
	}
}
