package portal_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/event"
)

func TestASignUpIsToldAtOnce(t *testing.T) {
	told := make(chan event.Event, 10)
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e, err := cehttp.NewEventFromHTTPRequest(r); err == nil {
			told <- *e
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer broker.Close()
	g := portaltest.Start(t, portaltest.With(map[string]string{"K_SINK": broker.URL}))
	for range 2 {
		g.SignIn(t, "subject", "somebody@example.org", "somebody")
	}
	select {
	case e := <-told:
		if _, err := event.Decode[event.SignedUp](e); err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told")
	}
	if len(told) != 0 {
		t.Error("a later sign-in was told as well")
	}
}
