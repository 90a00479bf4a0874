package event_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/outbound"
	"irc.now/shared/telemetry"
)

var change = event.PlanChanged{Account: "a", From: "free", To: "pro"}

func made(t *testing.T, payload event.Payload) event.Event {
	t.Helper()
	e, err := event.New(event.SourceAccounts, payload)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnEventSaysWhatItIsAbout(t *testing.T) {
	first, second := made(t, change), made(t, change)
	if first.Type() != "now.irc.account.plan-changed" || first.Subject() != "a" || first.Source() != "/accounts" ||
		first.DataContentType() != "application/json" || time.Since(first.Time()) > time.Minute {
		t.Errorf("got %s", first)
	}
	if first.ID() == second.ID() {
		t.Error("two events have one id")
	}
	got, err := event.Decode[event.PlanChanged](first)
	if err != nil || got != change {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeTakesOnlyWhatTheTypePromises(t *testing.T) {
	newer := made(t, change)
	if err := newer.SetData("application/json", json.RawMessage(`{"account":"a","from":"free","to":"pro","more":1}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := event.Decode[event.PlanChanged](newer); err != nil {
		t.Errorf("a field of a newer sender: %v", err)
	}
	for name, data := range map[string]string{
		"no JSON": `{`, "another shape": `[]`, "a field missing": `{"account":"a","from":"free"}`, "nothing": ``,
	} {
		e := made(t, change)
		e.DataEncoded = []byte(data)
		if _, err := event.Decode[event.PlanChanged](e); !errors.Is(err, event.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := event.Decode[event.SignedUp](made(t, change)); !errors.Is(err, event.ErrMalformed) {
		t.Errorf("another type: %v", err)
	}
}

func TestAFamilyOfTypesIsCheckedByItsData(t *testing.T) {
	notice := event.StripeNotice{Kind: "invoice.paid", ObjectID: "in_1"}
	e := made(t, notice)
	if e.Type() != "com.stripe.invoice.paid" || e.Subject() != "in_1" {
		t.Errorf("got %s", e)
	}
	e.SetType("com.stripe.customer.deleted")
	if _, err := event.Decode[event.StripeNotice](e); !errors.Is(err, event.ErrMalformed) {
		t.Errorf("its type and its data disagree: %v", err)
	}
	for _, kind := range []string{"", "a b", "a\r\nb", "Ä", "now.irc/x"} {
		if _, err := event.New(event.SourceStripe(""), event.StripeNotice{Kind: kind}); !errors.Is(err, event.ErrMalformed) {
			t.Errorf("kind %q: %v", kind, err)
		}
	}
}

func TestCheckRefusesWhatCannotTravelOrBeKept(t *testing.T) {
	for name, spoil := range map[string]func(*event.Event){
		"line break in the id":  func(e *event.Event) { e.SetID("a\r\nX: y") },
		"NUL in the subject":    func(e *event.Event) { e.SetSubject("a\x00") },
		"DEL in an extension":   func(e *event.Event) { e.SetExtension("x", "a\x7f") },
		"no UTF-8 in the type":  func(e *event.Event) { e.SetType("a\xff") },
		"no id":                 func(e *event.Event) { e.SetID("") },
		"a long id":             func(e *event.Event) { e.SetID(strings.Repeat("x", 1025)) },
		"a long extension":      func(e *event.Event) { e.SetExtension("x", strings.Repeat("x", 1025)) },
		"a year of five digits": func(e *event.Event) { e.SetTime(time.Unix(99999999999999, 0)) },
		"NUL in the data":       func(e *event.Event) { e.DataEncoded = []byte(`{"account":"a\\\u0000"}`) },
		"bytes in the data":     func(e *event.Event) { e.DataEncoded = []byte("{\"account\":\"\xff\"}") },
		"data of no JSON":       func(e *event.Event) { e.DataEncoded = []byte(`{`) },
	} {
		e := made(t, change)
		spoil(&e)
		if err := errors.Join(event.Check(e), event.CheckData(e)); !errors.Is(err, event.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := made(t, change)
	e.SetSubject("Zoë 日本")
	e.DataEncoded = []byte(`{"account":"\\u0000"}`) // a backslash and five characters
	if err := errors.Join(event.Check(e), event.CheckData(e)); err != nil {
		t.Error(err)
	}
	if err := e.SetData("application/octet-stream", []byte("\xff\x00")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(event.Check(e), event.CheckData(e)); err != nil {
		t.Error(err)
	}
}

func TestSendTellsWhetherTryingAgainHelps(t *testing.T) {
	for status, c := range map[int]struct {
		taken, again bool
	}{
		200: {taken: true}, 202: {taken: true}, 204: {taken: true},
		400: {}, 401: {}, 413: {}, 422: {}, 301: {},
		404: {again: true}, 408: {again: true}, 409: {again: true}, 429: {again: true}, 500: {again: true}, 503: {again: true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		err := event.NewSink(config.URL(server.URL), outbound.Client(5*time.Second)).Send(t.Context(), made(t, change))
		server.Close()
		if taken := err == nil; taken != c.taken {
			t.Errorf("%d: %v", status, err)
		}
		if again := fault.Is(err, fault.Unavailable); again != c.again || !c.taken && !c.again && !errors.Is(err, event.ErrRefused) {
			t.Errorf("%d: %v", status, err)
		}
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	err := event.NewSink(config.URL(gone.URL), outbound.Client(5*time.Second)).Send(t.Context(), made(t, change))
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("a sink that is not there: %v", err)
	}
}

func TestWhatIsSentCarriesTheRequestItWasMadeIn(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Ce-Requestid") }))
	defer server.Close()
	sink := event.NewSink(config.URL(server.URL), outbound.Client(5*time.Second))
	ctx := telemetry.WithRequestID(t.Context(), "request-1")
	known := event.WithRequestID(telemetry.WithRequestID(t.Context(), "request-0"), made(t, change))
	for want, e := range map[string]event.Event{"request-1": made(t, change), "request-0": known} {
		if err := sink.Send(ctx, e); err != nil || got != want {
			t.Errorf("sent with %q, want %q (%v)", got, want, err)
		}
	}
}

func TestAHostileRequestIDIsNone(t *testing.T) {
	for _, id := range []any{"a\nb", "<b>", strings.Repeat("x", 65), "", 7} {
		e := made(t, change)
		e.SetExtension("requestid", id)
		if got := event.RequestID(e); got != "" {
			t.Errorf("%v was taken for %q", id, got)
		}
	}
}

func TestTheExamplesAreEvents(t *testing.T) {
	for _, entry := range event.Catalogue() {
		e := made(t, entry.Example)
		if family, _, is := strings.Cut(entry.Type, "<"); e.Type() != entry.Type && (!is || !strings.HasPrefix(e.Type(), family)) {
			t.Errorf("%s has an example of type %s", entry.Type, e.Type())
		}
	}
}
