package billing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/functions/billing"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// world is the function with a database, a Stripe that knows one customer, and a broker.
type world struct {
	*billing.Function
	t       *testing.T
	pool    *pgxpool.Pool
	store   *account.Store
	user    account.User
	stripe  *fakeStripe
	broker  *fakeBroker
	eventID int
}

// fakeStripe answers GET /v1/subscriptions with one subscription in a state.
type fakeStripe struct {
	mu     sync.Mutex
	status string
	price  string
	also   string // a second price in the subscription; "" for none
	broken bool
	asked  int
	others map[string]string // answers to other questions, by method and path
	ended  []string          // paths of subscriptions that were ended
	// before runs once before the next answer is sent, after it was made: what happens meanwhile.
	before func()
}

func (s *fakeStripe) set(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *fakeStripe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	if other, known := s.others[r.URL.Path]; known || r.Method == http.MethodDelete {
		if r.Method == http.MethodDelete {
			s.ended, s.status, other = append(s.ended, r.URL.Path), "canceled", `{"id":"sub_1","object":"subscription"}`
		}
		s.mu.Unlock()
		fmt.Fprint(w, other)
		return
	}
	status, price, also, broken, before := s.status, s.price, s.also, s.broken, s.before
	s.before = nil
	s.mu.Unlock()
	if before != nil {
		before()
	}
	switch {
	case broken:
		// Not to be tried again by the library: this test has no time to wait.
		w.Header().Set("Stripe-Should-Retry", "false")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"error":{"type":"api_error"}}`)
	case r.URL.Query().Get("customer") != "cus_1" || status == "":
		fmt.Fprint(w, `{"object":"list","data":[],"has_more":false}`)
	default:
		items := fmt.Sprintf(`{"id":"si_1","quantity":1,"price":{"id":%q}}`, price)
		if also != "" {
			items += fmt.Sprintf(`,{"id":"si_2","quantity":1,"price":{"id":%q}}`, also)
		}
		fmt.Fprintf(w, `{"object":"list","has_more":false,"data":[{"id":"sub_1","object":"subscription","status":%q,
			"current_period_end":1795348800,
			"items":{"object":"list","data":[%s]}}]}`, status, items)
	}
}

type fakeBroker struct {
	mu     sync.Mutex
	away   bool
	events []cloudevents.Event
	took   chan struct{}
}

func (b *fakeBroker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := cloudevents.NewEventFromHTTPRequest(r)
	if err != nil || b.away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	b.events = append(b.events, *e)
	w.WriteHeader(http.StatusAccepted)
	b.took <- struct{}{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, Function: billing.New(), stripe: &fakeStripe{price: "price_pro"},
		broker: &fakeBroker{took: make(chan struct{}, 100)},
	}
	api, sink := httptest.NewServer(w.stripe), httptest.NewServer(w.broker)
	t.Cleanup(api.Close)
	t.Cleanup(sink.Close)
	sets := []store.Set{account.Migrations, outbox.Migrations, inbox.Migrations}
	url := storetest.Migrated(t, sets...)
	err := w.Start(t.Context(), map[string]string{
		"ACCOUNTS_DATABASE_URL": storetest.Role(t, url, billing.Grants, sets...), "K_SINK": sink.URL, "STRIPE_KEY": "sk_test_1", "STRIPE_API_URL": api.URL,
		"STRIPE_PRICE_PRO": "price_pro", "STRIPE_PRICE_LOG_SEARCH": "price_log", "STRIPE_PRICE_BOT": "price_bot",
		"STRIPE_PRICE_STARTER": "price_starter", "STRIPE_PRICE_GROWTH": "price_growth",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Stop(context.Background()) })
	w.signUp(url)
	return w
}

func (w *world) signUp(url string) {
	w.t.Helper()
	pool, err := store.Open(w.t.Context(), url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(pool.Close)
	w.pool, w.store = pool, account.NewStore(pool)
	if w.user, _, err = w.store.SignIn(w.t.Context(), "payer", ""); err != nil {
		w.t.Fatal(err)
	}
	// The sign-up's own event is none of these tests' business.
	if _, err = pool.Exec(w.t.Context(), `DELETE FROM outbox`); err != nil {
		w.t.Fatal(err)
	}
	if _, err = w.store.LinkCustomer(w.t.Context(), w.user.ID, "cus_1"); err != nil {
		w.t.Fatal(err)
	}
}

// notice is a new event about cus_1.
func (w *world) notice(kind string) event.Event {
	w.t.Helper()
	w.eventID++
	return w.event(fmt.Sprintf("evt_%d", w.eventID), event.StripeNotice{Kind: kind, Customer: "cus_1"})
}

func (w *world) event(id string, notice event.StripeNotice) event.Event {
	w.t.Helper()
	e, err := event.NewWithID(id, time.Now(), event.SourceStripe(""), notice)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) handle(e event.Event) error {
	_, err := w.Handle(w.t.Context(), e)
	return err
}

func (w *world) must(e event.Event) {
	w.t.Helper()
	if err := w.handle(e); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantPlan(plan account.Plan, standing account.Standing) {
	w.t.Helper()
	user, err := w.store.ByID(w.t.Context(), w.user.ID)
	if err != nil || user.Plan != plan {
		w.t.Errorf("the plan is %q (%v), want %q", user.Plan, err, plan)
	}
	b, err := w.store.BillingOf(w.t.Context(), w.user.ID)
	if err != nil || b.Standing != standing {
		w.t.Errorf("the standing is %q (%v), want %q", b.Standing, err, standing)
	}
}

// written are the events of ours, in the outbox's order.
func (w *world) written() (events []event.Event) {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), `SELECT event FROM outbox ORDER BY number`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var e event.Event
		if err := rows.Scan(&text); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			w.t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// announced are the plans that events of ours named.
func (w *world) announced() (plans []string) {
	w.t.Helper()
	for _, e := range w.written() {
		changed, err := event.Decode[event.PlanChanged](e)
		if err != nil || changed.Account != w.user.ID {
			w.t.Fatalf("%+v, %v", changed, err)
		}
		plans = append(plans, changed.To)
	}
	return plans
}

func (w *world) wantAnnounced(want ...string) {
	w.t.Helper()
	if got := w.announced(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("announced %v, want %v", got, want)
	}
}

func TestASubscriptionGivesAndItsEndTakes(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.notice("customer.subscription.created"))
	w.wantPlan(account.Pro, account.Paid)
	w.stripe.set("past_due")
	w.must(w.notice("invoice.payment_failed"))
	w.wantPlan(account.Pro, account.PastDue)
	w.stripe.set("canceled")
	w.must(w.notice("customer.subscription.deleted"))
	w.wantPlan(account.Free, account.Ended)
	w.wantAnnounced("pro", "free")
	for range 2 {
		select {
		case <-w.broker.took:
		case <-t.Context().Done():
			t.Fatal("the broker never got the event")
		}
	}
}

func TestRepeatedEventsAreAppliedOnce(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	e := w.notice("customer.subscription.updated")
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if err := w.handle(e); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.wantPlan(account.Pro, account.Paid)
	w.wantAnnounced("pro")
	b, err := w.store.BillingOf(t.Context(), w.user.ID)
	if err != nil || b.Version != 1 {
		t.Errorf("written %d times, %v", b.Version, err)
	}
	asked := w.stripe.asked
	w.must(e)
	if w.stripe.asked != asked {
		t.Error("Stripe was asked about an event that is done")
	}
}

func TestManyEventsAtOnceEndInThePresentState(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	var all sync.WaitGroup
	for range 8 {
		e := w.notice("customer.subscription.updated")
		all.Go(func() {
			if err := w.handle(e); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.wantPlan(account.Pro, account.Paid)
	w.wantAnnounced("pro")
}

func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	w := newWorld(t)
	created, deleted := w.notice("customer.subscription.created"), w.notice("customer.subscription.deleted")
	w.stripe.set("canceled")
	w.must(deleted)
	w.must(created)
	w.wantPlan(account.Free, account.Ended)
	w.wantAnnounced()
}

func TestAnAnswerThatWasOvertakenIsNotWritten(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	slow, fast := w.notice("customer.subscription.created"), w.notice("customer.subscription.deleted")
	// While the answer "active" travels, the subscription ends and another event has that applied.
	w.stripe.before = func() {
		w.stripe.set("canceled")
		if err := w.handle(fast); err != nil {
			t.Error(err)
		}
	}
	w.must(slow)
	w.wantPlan(account.Free, account.Ended)
	w.wantAnnounced()
}

func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.event("evt_a", event.StripeNotice{Kind: "customer.subscription.created", Customer: "cus_stranger"}))
	w.must(w.event("evt_b", event.StripeNotice{Kind: "customer.subscription.created"}))
	w.must(w.notice("charge.refunded"))
	other, err := event.New("/x", event.SignedUp{Account: w.user.ID})
	if err != nil {
		t.Fatal(err)
	}
	w.must(other)
	w.wantPlan(account.Free, account.NeverPaid)
}

func TestAMalformedEventIsFinal(t *testing.T) {
	w := newWorld(t)
	e := w.notice("customer.subscription.created")
	if err := e.SetData("application/json", []byte(`{"kind":7}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.handle(e); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v, want Invalid", err)
	}
}

func TestWhenStripeIsAwayTheEventComesAgain(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.stripe.broken = true
	e := w.notice("customer.subscription.created")
	if err := w.handle(e); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v, want Unavailable", err)
	}
	w.wantPlan(account.Free, account.NeverPaid)
	w.stripe.broken = false
	w.must(e)
	w.wantPlan(account.Pro, account.Paid)
}

func TestAnUnknownStateChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.notice("customer.subscription.created"))
	w.stripe.set("hibernating")
	if err := w.handle(w.notice("customer.subscription.updated")); err == nil {
		t.Error("accepted")
	}
	w.wantPlan(account.Pro, account.Paid)
}
