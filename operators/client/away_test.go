package client_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client"
	"irc.now/shared/fault"
)

// answering is a client of an API server that always says the same.
func answering(t *testing.T, answer metav1.Status) *client.Bouncers {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		answer.Status = metav1.StatusFailure
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(answer.Code))
		_ = json.NewEncoder(w).Encode(answer) // a client that has gone away
	}))
	t.Cleanup(server.Close)
	return to(t, server.URL)
}

func to(t *testing.T, url string) *client.Bouncers {
	t.Helper()
	c, err := client.New(&rest.Config{Host: url}, "irc-now-tenants")
	if err != nil {
		t.Fatal(err)
	}
	return c.Bouncers()
}

func TestARefusalOfAdmissionIsShownWordForWord(t *testing.T) {
	const by = `admission webhook "bouncers.admission.irc.now" denied the request: `
	for _, c := range []struct {
		answer   metav1.Status
		kind     fault.Kind
		sentence string
	}{
		{metav1.Status{Code: 403, Reason: metav1.StatusReasonForbidden, Message: by + "Your plan, Free, has no bouncer: buy Pro."}, fault.Forbidden, "Your plan, Free, has no bouncer: buy Pro."},
		{metav1.Status{Code: 403, Message: by + "One line.\nAnother."}, fault.Forbidden, "One line.\nAnother."},
		{metav1.Status{Code: 409, Reason: metav1.StatusReasonConflict, Message: by + "You have one already."}, fault.Conflict, "You have one already."},
		{metav1.Status{Code: 422, Reason: metav1.StatusReasonInvalid, Message: by + "No such user."}, fault.Invalid, "No such user."},
		{metav1.Status{Code: 400, Message: by + "No label."}, fault.Invalid, "No label."},
		{metav1.Status{Code: 503, Message: by + "Nobody can tell."}, fault.Unavailable, "Nobody can tell."},
	} {
		_, err := answering(t, c.answer).Create(t.Context(), &v1alpha1.SojuBouncer{})
		if fault.KindOf(err) != c.kind || fault.Sentence(err) != c.sentence {
			t.Errorf("%+v: %v", c.answer, err)
		}
	}
}

func TestOtherTroubleHasAKind(t *testing.T) {
	for _, c := range []struct {
		answer metav1.Status
		kind   fault.Kind
	}{
		{metav1.Status{Code: 500, Reason: metav1.StatusReasonInternalError, Message: `failed calling webhook "x": context deadline exceeded`}, fault.Unavailable},
		{metav1.Status{Code: 503, Reason: metav1.StatusReasonServiceUnavailable}, fault.Unavailable},
		{metav1.Status{Code: 504, Reason: metav1.StatusReasonTimeout}, fault.Unavailable},
		{metav1.Status{Code: 429, Reason: metav1.StatusReasonTooManyRequests}, fault.Unavailable},
		{metav1.Status{Code: 401, Reason: metav1.StatusReasonUnauthorized}, fault.Internal},
		{metav1.Status{Code: 403, Reason: metav1.StatusReasonForbidden, Message: "sojubouncers is forbidden"}, fault.Internal},
		{metav1.Status{Code: 405, Reason: metav1.StatusReasonMethodNotAllowed}, fault.Internal},
		{metav1.Status{Code: 422, Reason: metav1.StatusReasonInvalid}, fault.Invalid},
	} {
		_, err := answering(t, c.answer).List(t.Context(), "ada")
		if err == nil || fault.KindOf(err) != c.kind {
			t.Errorf("%+v: %v", c.answer, err)
		}
	}
}

func TestAnAPIServerThatIsAwayIsSaidSo(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	bouncers := to(t, server.URL)
	_, err := bouncers.Get(t.Context(), "ada")
	wantKind(t, err, fault.Unavailable, "does not answer")
	_, err = bouncers.Create(t.Context(), &v1alpha1.SojuBouncer{})
	wantKind(t, err, fault.Unavailable, "Please try again")
}
