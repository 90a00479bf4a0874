package stripe_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/longrunning/local/stripe"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
)

const (
	key    = "sk_test_local"
	secret = "whsec_local"
)

// shop is the stand-in, a receiver of its webhooks, and our own client of it.
type shop struct {
	*stripe.Server
	t        *testing.T
	url      string
	client   *payment.Client
	customer string

	mu      sync.Mutex
	status  int
	types   []string
	objects []string // what each is about
	calls   []recorded
	got     chan struct{}
}

func settings(api string) payment.Settings {
	return payment.Settings{
		Key: key, API: config.URL(api), Pro: []string{"price_pro"}, LogSearch: []string{"price_log"},
		Bot: []string{"price_bot"}, Starter: []string{"price_starter"}, Growth: []string{"price_growth"},
	}
}

func newShop(t *testing.T, file string) *shop {
	t.Helper()
	s := &shop{t: t, status: http.StatusOK, got: make(chan struct{}, 1000)}
	receiver := httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(receiver.Close)
	// The address has to be known before the server is made.
	var handler http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	server, err := stripe.New(stripe.Config{
		URL: config.URL(front.URL), Key: key, Webhook: receiver.URL, Secrets: []config.Secret{secret}, File: file,
		Portal: "http://my.irc.localhost", Prices: []stripe.Price{
			{ID: "price_pro", Name: "Pro", Amount: 400}, {ID: "price_log", Name: "Log search", Amount: 200},
			{ID: "price_bot", Name: "Bot", Amount: 200}, {ID: "price_starter", Name: "Starter", Amount: 1200},
			{ID: "price_growth", Name: "Growth", Amount: 2400}, {ID: "price_advice", Name: "Advice", Amount: 9900},
			{ID: "price_pro_year", Name: "Pro", Amount: 4000, Yearly: true},
			{ID: "price_old", Name: "Log search, as it was", Amount: 100, Archived: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	handler, s.Server, s.url = s.record(server), server, front.URL
	s.client = payment.New(settings(front.URL), slog.New(slog.DiscardHandler))
	return s
}

// receive takes webhooks as strictly as Stripe's own library does: signature, age and API version.
func (s *shop) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	e, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), secret)
	if err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == http.StatusOK {
		id, _ := e.Data.Object["id"].(string)
		s.types, s.objects = append(s.types, string(e.Type)), append(s.objects, id)
	}
	w.WriteHeader(s.status)
	s.got <- struct{}{}
}

func (s *shop) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.types)
}

// allSent waits until no webhook is on its way.
func (s *shop) allSent() {
	s.t.Helper()
	for s.Unsent() > 0 {
		select {
		case <-s.got:
		case <-time.After(time.Second): // the last one may have been counted before it was marked
		case <-s.t.Context().Done():
			s.t.Fatal("webhooks are on their way for ever")
		}
	}
}

func (s *shop) newCustomer() string {
	s.t.Helper()
	id, err := s.client.CreateCustomer(s.t.Context(), account.User{ID: "user-1", Email: "ada@example.org"}, "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.customer = id
	return id
}

func (s *shop) order(product payment.Product, quantity int) (string, error) {
	placed, err := s.place(product, quantity)
	return placed.Redirect, err
}

func (s *shop) place(product payment.Product, quantity int) (payment.Placed, error) {
	return s.client.Place(s.t.Context(), payment.Order{
		CustomerID: s.customer, AccountID: "user-1", Product: product, Quantity: quantity,
		SuccessURL: "http://my.irc.localhost/billing?session={CHECKOUT_SESSION_ID}",
		CancelURL:  "http://my.irc.localhost/billing",
	})
}

func (s *shop) mustOrder(product payment.Product, quantity int) string {
	s.t.Helper()
	redirect, err := s.order(product, quantity)
	if err != nil {
		s.t.Fatal(err)
	}
	return redirect
}

// press sends the form of a page with an action; it gives the page and where it leads.
func (s *shop) press(page, action string, more ...string) (status int, location string) {
	s.t.Helper()
	form := url.Values{"action": {action}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, page, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Location")
}

// buyPro is a customer with Pro.
func (s *shop) buyPro() {
	s.t.Helper()
	s.newCustomer()
	if status, _ := s.press(s.mustOrder(payment.Pro, 1), "pay"); status != http.StatusSeeOther {
		s.t.Fatalf("paying gave status %d", status)
	}
}

func (s *shop) state() payment.State {
	s.t.Helper()
	state, err := s.client.State(s.t.Context(), s.customer)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// portal does something on the customer's page to the newest subscription.
func (s *shop) portal(action string) {
	s.t.Helper()
	page, err := s.client.Manage(s.t.Context(), s.customer, "http://my.irc.localhost/billing")
	if err != nil {
		s.t.Fatal(err)
	}
	if status, _ := s.press(page, action, "subscription", s.state().Subscription); status != http.StatusSeeOther {
		s.t.Fatalf("%s gave status %d", action, status)
	}
}

func TestBuying(t *testing.T) {
	s := newShop(t, "")
	s.newCustomer()
	if again := s.customer; s.newCustomer() != again {
		t.Error("the same user became two customers")
	}
	page := s.mustOrder(payment.Pro, 1)
	if status, _ := s.press(page, "decline"); status != http.StatusUnprocessableEntity || s.state().Holdings.Plan != account.Free {
		t.Errorf("a declined card: status %d, %+v", status, s.state())
	}
	status, location := s.press(page, "pay")
	if status != http.StatusSeeOther || !strings.HasPrefix(location, "http://my.irc.localhost/billing?session=cs_test_") {
		t.Errorf("paying: status %d, %q", status, location)
	}
	if got := s.state(); got.Standing != account.Paid || got.Holdings.Plan != account.Pro || got.PeriodEnd == nil {
		t.Errorf("after paying: %+v", got)
	}
	if status, _ := s.press(page, "pay"); status != http.StatusNotFound {
		t.Errorf("paying twice: status %d", status)
	}
	s.allSent()
	for _, want := range []string{"customer.created", "customer.subscription.created", "invoice.paid", "checkout.session.completed"} {
		if !slices.Contains(s.received(), want) {
			t.Errorf("no webhook %s in %v", want, s.received())
		}
	}
	invoices, err := s.client.Invoices(t.Context(), s.customer)
	if err != nil || len(invoices) != 1 || invoices[0].Total != "$4.00" || invoices[0].Status != "paid" {
		t.Errorf("invoices: %+v, %v", invoices, err)
	}
	if _, err := s.order(payment.Pro, 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("Pro twice: %v", err)
	}
}

func TestASecondCheckoutClosesTheFirst(t *testing.T) {
	s := newShop(t, "")
	s.newCustomer()
	first, second := s.mustOrder(payment.Pro, 1), s.mustOrder(payment.Pro, 1)
	if status, _ := s.press(first, "pay"); status != http.StatusNotFound {
		t.Errorf("the first can still be paid: %d", status)
	}
	if status, _ := s.press(second, "pay"); status != http.StatusSeeOther {
		t.Errorf("the second cannot be paid: %d", status)
	}
}

func TestAddOnsAndHosting(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	for _, row := range []struct {
		product  payment.Product
		quantity int
		want     account.Holdings
	}{
		{payment.Bot, 3, account.Holdings{Plan: account.Pro, ExtraBots: 3}},
		{payment.Bot, 3, account.Holdings{Plan: account.Pro, ExtraBots: 3}},
		{payment.Bot, 1, account.Holdings{Plan: account.Pro, ExtraBots: 1}},
		{payment.Starter, 1, account.Holdings{Plan: account.Pro, ExtraBots: 1, Hosting: account.Starter}},
		{payment.Growth, 1, account.Holdings{Plan: account.Pro, ExtraBots: 1, Hosting: account.Growth}},
		{payment.Starter, 0, account.Holdings{Plan: account.Pro, ExtraBots: 1, Hosting: account.Growth}},
		{payment.LogSearch, 1, account.Holdings{Plan: account.Pro, ExtraBots: 1, Hosting: account.Growth, LogSearch: true}},
		{payment.Growth, 0, account.Holdings{Plan: account.Pro, ExtraBots: 1, LogSearch: true}},
		{payment.Bot, 0, account.Holdings{Plan: account.Pro, LogSearch: true}},
		{payment.LogSearch, 0, account.Holdings{Plan: account.Pro}},
	} {
		if redirect := s.mustOrder(row.product, row.quantity); redirect != "" {
			t.Errorf("%d of %s led to %s", row.quantity, row.product, redirect)
		}
		if got := s.state().Holdings; got != row.want {
			t.Errorf("%d of %s: got %+v", row.quantity, row.product, got)
		}
	}
	s.mustOrder(payment.Pro, 0)
	if got := s.state(); got.Standing != account.Ending || got.Holdings.Plan != account.Pro {
		t.Errorf("giving back the last line: %+v", got)
	}
	if _, err := s.order(payment.Bot, 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("an add-on to what is cancelled: %v", err)
	}
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	s := newShop(t, "")
	s.newCustomer()
	for _, row := range []struct {
		product  payment.Product
		quantity int
		kind     fault.Kind
	}{
		{"yacht", 1, fault.Invalid},
		{payment.Pro, 2, fault.Invalid},
		{payment.Bot, -1, fault.Invalid},
		{payment.Bot, account.MaxExtraBots + 1, fault.Invalid},
		{payment.Pro, 0, fault.Conflict},
		{payment.Growth, 1, fault.Conflict}, // without Pro
	} {
		if _, err := s.order(row.product, row.quantity); !fault.Is(err, row.kind) {
			t.Errorf("%d of %s: %v", row.quantity, row.product, err)
		}
	}
}

func TestTheLifeOfASubscription(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	for _, row := range []struct {
		action   string
		standing account.Standing
		plan     account.Plan
	}{
		{"cancel", account.Ending, account.Pro},
		{"keep", account.Paid, account.Pro},
		{"renew", account.Paid, account.Pro},
		{"fail", account.PastDue, account.Pro},
		{"give-up", account.Unpaid, account.Free},
		{"pay", account.Paid, account.Pro},
		{"cancel", account.Ending, account.Pro},
		{"renew", account.Ended, account.Free},
	} {
		s.portal(row.action)
		if got := s.state(); got.Standing != row.standing || got.Holdings.Plan != row.plan {
			t.Errorf("after %s: %+v", row.action, got)
		}
	}
	s.allSent()
	if !slices.Contains(s.received(), "invoice.payment_failed") ||
		!slices.Contains(s.received(), "customer.subscription.deleted") {
		t.Errorf("webhooks: %v", s.received())
	}
}

func TestWebhooksAreSentAgainUntilTaken(t *testing.T) {
	s := newShop(t, "")
	s.status = http.StatusServiceUnavailable
	s.newCustomer()
	<-s.got
	s.mu.Lock()
	s.status = http.StatusOK
	s.mu.Unlock()
	s.allSent()
	if got := s.received(); !slices.Equal(got, []string{"customer.created"}) {
		t.Errorf("got %v", got)
	}
}

func TestWebhooksInReverseAndRepeated(t *testing.T) {
	s := newShop(t, "")
	s.SetDelivery(stripe.Delivery{Hold: true})
	s.buyPro()
	if len(s.received()) != 0 {
		t.Errorf("sent although held back: %v", s.received())
	}
	s.SetDelivery(stripe.Delivery{Reverse: true, Copies: 5})
	s.allSent()
	got := s.received()
	if len(got)%5 != 0 || got[0] != "checkout.session.completed" || got[4] != got[0] || got[len(got)-1] != "customer.created" {
		t.Errorf("got %v", got)
	}
}

func TestEverythingIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stripe.json")
	s := newShop(t, file)
	s.SetDelivery(stripe.Delivery{Hold: true})
	s.buyPro()
	unsent := s.Unsent()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := newShop(t, file)
	again.customer = s.customer
	if got := again.state(); got.Holdings.Plan != account.Pro {
		t.Errorf("after a restart: %+v", got)
	}
	again.allSent()
	if len(again.received()) != unsent {
		t.Errorf("%d webhooks after the restart, want %d", len(again.received()), unsent)
	}
}

func TestThePagesHaveOneHeading(t *testing.T) {
	s := newShop(t, "")
	s.newCustomer()
	pages := []string{s.url + "/", s.mustOrder(payment.Pro, 1)}
	s.press(pages[1], "pay")
	portal, err := s.client.Manage(t.Context(), s.customer, "http://my.irc.localhost/billing")
	if err != nil {
		t.Fatal(err)
	}
	invoices, err := s.client.Invoices(t.Context(), s.customer)
	if err != nil {
		t.Fatal(err)
	}
	pages[1] = s.mustCheckout()
	for _, page := range append(pages, portal, invoices[0].URL) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		document, err := goquery.NewDocumentFromReader(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || document.Find("h1").Length() != 1 {
			t.Errorf("%s: status %d, %v", page, response.StatusCode, err)
		}
	}
}

// mustCheckout is an open checkout of another customer.
func (s *shop) mustCheckout() string {
	s.t.Helper()
	paying := s.customer
	defer func() { s.customer = paying }()
	id, err := s.client.CreateCustomer(s.t.Context(), account.User{ID: "user-2"}, "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.customer = id
	return s.mustOrder(payment.Bot, 2)
}

func TestTheAPIRefusesAsStripeDoes(t *testing.T) {
	s := newShop(t, "")
	for name, row := range map[string]struct {
		method, path, body, key string
		status                  int
		code                    string
	}{
		"no key":              {"GET", "/v1/subscriptions", "", "", 401, ""},
		"another key":         {"GET", "/v1/subscriptions", "", "sk_test_guess", 401, ""},
		"an unknown address":  {"GET", "/v1/yachts", "", key, 404, ""},
		"an unknown customer": {"GET", "/v1/customers/cus_x", "", key, 404, "resource_missing"},
		"an unknown param":    {"POST", "/v1/customers", "colour=red", key, 400, "parameter_unknown"},
		"a missing param":     {"POST", "/v1/billing_portal/sessions", "", key, 400, "parameter_missing"},
		"an unknown price": {
			"POST", "/v1/checkout/sessions",
			"mode=subscription&customer=c&success_url=x&line_items[0][price]=price_x", key, 400, "resource_missing",
		},
	} {
		request, err := http.NewRequestWithContext(t.Context(), row.method, s.url+row.path, strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "Bearer "+row.key)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != row.status || !strings.Contains(string(body), row.code) {
			t.Errorf("%s: status %d: %s", name, response.StatusCode, body)
		}
	}
}

func TestOtherSitesCannotPressTheButtons(t *testing.T) {
	s := newShop(t, "")
	s.newCustomer()
	page := s.mustOrder(payment.Pro, 1)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, page, strings.NewReader("action=pay"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden || s.state().Holdings.Plan != account.Free {
		t.Errorf("status %d", response.StatusCode)
	}
}
