package stripe_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/functions/stripe"
	"irc.now/shared/event"
	"irc.now/shared/function"
)

const (
	presentSecret = "whsec_present"
	oldSecret     = "whsec_old"
)

// broker is where events go; it answers with status.
type broker struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	events []cloudevents.Event
}

func newBroker(t testing.TB) *broker {
	b := &broker{status: http.StatusAccepted}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := cloudevents.NewEventFromHTTPRequest(r)
		if err != nil || e.Validate() != nil {
			t.Errorf("the broker got no valid event: %v, %v", err, e.Validate())
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.status == http.StatusAccepted {
			b.events = append(b.events, *e)
		}
		w.WriteHeader(b.status)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *broker) taken() []cloudevents.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

func start(t testing.TB, b *broker) http.Handler {
	t.Helper()
	instance := function.New("stripe", stripe.New(), slog.New(slog.DiscardHandler))
	err := instance.Start(t.Context(), map[string]string{
		"STRIPE_WEBHOOK_SECRETS": presentSecret + "," + oldSecret, "K_SINK": b.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

const subscriptionUpdated = `{
	"id": "evt_1", "object": "event", "type": "customer.subscription.updated", "created": 1795348800,
	"api_version": "2025-01-01", "livemode": false,
	"data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active"}}}`

// signed is a webhook as Stripe sends it, signed at that time with that secret.
func signed(body, secret string, at time.Time) *http.Request {
	payload := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
		Payload: []byte(body), Secret: secret, Timestamp: at,
	})
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/webhook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", payload.Header)
	return r
}

func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAWebhookBecomesOneEvent(t *testing.T) {
	b := newBroker(t)
	w := answer(start(t, b), signed(subscriptionUpdated, presentSecret, time.Now()))
	if w.Code != http.StatusNoContent || len(b.taken()) != 1 {
		t.Fatalf("status %d, %d events: %s", w.Code, len(b.taken()), w.Body)
	}
	e := b.taken()[0]
	if e.ID() != "evt_1" || e.Type() != "com.stripe.customer.subscription.updated" || e.Source() != "/stripe" ||
		e.Subject() != "cus_1" || e.Time().Unix() != 1795348800 || e.Extensions()["requestid"] == nil {
		t.Errorf("got %s", e)
	}
	notice, err := event.Decode[event.StripeNotice](e)
	want := event.StripeNotice{
		Kind: "customer.subscription.updated", Object: "subscription", ObjectID: "sub_1",
		Customer: "cus_1", Subscription: "sub_1",
	}
	if err != nil || notice != want {
		t.Errorf("got %+v, %v", notice, err)
	}
}

func TestTheSubjectIsTheCustomerWhereverStripeNamesIt(t *testing.T) {
	for object, subject := range map[string]string{
		`{"id":"cus_2","object":"customer"}`:                           "cus_2",
		`{"id":"in_1","object":"invoice","customer":"cus_3"}`:          "cus_3",
		`{"id":"in_1","object":"invoice","customer":{"id":"cus_4"}}`:   "cus_4",
		`{"id":"price_1","object":"price"}`:                            "price_1",
		`{"id":"x_1","object":"x","customer":[1],"subscription":true}`: "x_1",
	} {
		b := newBroker(t)
		body := fmt.Sprintf(`{"id":"evt_1","type":"a.b","account":"acct_1","created":1,"data":{"object":%s}}`, object)
		if w := answer(start(t, b), signed(body, presentSecret, time.Now())); w.Code != http.StatusNoContent {
			t.Errorf("%s: status %d", object, w.Code)
			continue
		}
		if e := b.taken()[0]; e.Subject() != subject || e.Source() != "/stripe/acct_1" {
			t.Errorf("%s: got %s", object, e)
		}
	}
}

func TestAClockMayBeALittleWrong(t *testing.T) {
	for _, off := range []time.Duration{-4 * time.Minute, 4 * time.Minute} {
		b := newBroker(t)
		if w := answer(start(t, b), signed(subscriptionUpdated, presentSecret, time.Now().Add(off))); w.Code != http.StatusNoContent {
			t.Errorf("%s: status %d: %s", off, w.Code, w.Body)
		}
	}
}

func TestASecretThatIsBeingReplacedStillWorks(t *testing.T) {
	b := newBroker(t)
	if w := answer(start(t, b), signed(subscriptionUpdated, oldSecret, time.Now())); w.Code != http.StatusNoContent {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestWhatIsNotStripesIsRefusedAndNothingIsSent(t *testing.T) {
	now := time.Now()
	change := func(r *http.Request, change func(*http.Request)) *http.Request {
		change(r)
		return r
	}
	large := `{"id":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, row := range map[string]struct {
		request *http.Request
		status  int
	}{
		"forged":            {signed(subscriptionUpdated, "whsec_guess", now), 400},
		"the empty secret":  {signed(subscriptionUpdated, "", now), 400},
		"replayed too late": {signed(subscriptionUpdated, presentSecret, now.Add(-6*time.Minute)), 400},
		"signed ahead":      {signed(subscriptionUpdated, presentSecret, now.Add(6*time.Minute)), 400},
		"unsigned": {change(signed(subscriptionUpdated, presentSecret, now), func(r *http.Request) {
			r.Header.Del("Stripe-Signature")
		}), 400},
		"a header of rubbish": {change(signed(subscriptionUpdated, presentSecret, now), func(r *http.Request) {
			r.Header.Set("Stripe-Signature", "t=,v1==,,v1")
		}), 400},
		"a body changed under way": {change(signed(subscriptionUpdated, presentSecret, now), func(r *http.Request) {
			r.Body = http.NoBody
		}), 400},
		"10 MB":                                    {signed(large, presentSecret, now), 413},
		"10 MB, unsigned":                          {httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook", strings.NewReader(large)), 413},
		"signed, but no JSON":                      {signed("hello", presentSecret, now), 400},
		"signed, but no event":                     {signed("{}", presentSecret, now), 400},
		"signed, but of no type":                   {signed(`{"id":"evt_1","created":1}`, presentSecret, now), 400},
		"signed, with an odd type":                 {signed(`{"id":"evt_1","created":1,"type":"a\nb"}`, presentSecret, now), 400},
		"not a POST":                               {httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/webhook", nil), 405},
		"somewhere else":                           {httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), 404},
		"signed, of a time that nothing can write": {signed(`{"id":"evt_1","created":99999999999999,"type":"a.b"}`, presentSecret, now), 400},
		"signed, with a NUL":                       {signed(`{"id":"evt_1","created":1,"type":"a.b","data":{"object":{"id":"a\u0000"}}}`, presentSecret, now), 400},
		"signed, with a long id":                   {signed(`{"id":"evt_`+strings.Repeat("x", 2000)+`","created":1,"type":"a.b"}`, presentSecret, now), 400},
		"signed, time of a negative":               {signed(`{"id":"evt_1","created":-1,"type":"a.b"}`, presentSecret, now), 400},
	} {
		b := newBroker(t)
		w := answer(start(t, b), row.request)
		if w.Code != row.status || len(b.taken()) != 0 {
			t.Errorf("%s: status %d, want %d; %d events", name, w.Code, row.status, len(b.taken()))
		}
		if strings.Contains(w.Body.String(), "whsec") {
			t.Errorf("%s: the answer holds a secret: %s", name, w.Body)
		}
	}
}

func TestAWebhookIsNotTakenUnlessTheBrokerTookIt(t *testing.T) {
	b := newBroker(t)
	h := start(t, b)
	for status, want := range map[int]int{
		500: 503, 503: 503, 404: 503, 429: 503, // later
		400: 502, 413: 502, // never, but an event must not be lost because of a broker's mistake
	} {
		b.mu.Lock()
		b.status = status
		b.mu.Unlock()
		if w := answer(h, signed(subscriptionUpdated, presentSecret, time.Now())); w.Code != want {
			t.Errorf("the broker says %d: we say %d, want %d", status, w.Code, want)
		}
	}
	b.Close()
	if w := answer(h, signed(subscriptionUpdated, presentSecret, time.Now())); w.Code != 503 {
		t.Errorf("no broker: status %d", w.Code)
	}
}

func TestTheSameWebhookTwiceIsTheSameEventTwice(t *testing.T) {
	b := newBroker(t)
	h := start(t, b)
	for range 2 {
		answer(h, signed(subscriptionUpdated, presentSecret, time.Now()))
	}
	events := b.taken()
	if len(events) != 2 || events[0].ID() != events[1].ID() || events[0].Source() != events[1].Source() {
		t.Errorf("got %v", events)
	}
}

func TestStartNamesEveryMissingSetting(t *testing.T) {
	err := stripe.New().Start(t.Context(), map[string]string{"STRIPE_WEBHOOK_TOLERANCE": "9h"})
	if err == nil {
		t.Fatal("it started")
	}
	for _, want := range []string{"STRIPE_WEBHOOK_SECRETS", "K_SINK", "STRIPE_WEBHOOK_TOLERANCE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
	err = stripe.New().Start(t.Context(), map[string]string{"STRIPE_WEBHOOK_SECRETS": "a,,b", "K_SINK": "http://b"})
	if err == nil {
		t.Error("an empty secret was accepted")
	}
}
