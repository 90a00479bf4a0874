package client_test

import (
	"net/http"
	"testing"
	"time"

	"irc.now/operators/client"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/outbound"
)

const platformKey = config.Secret("key of the platform")

func TestADedicatedBouncerIsToldIfThereIsOne(t *testing.T) {
	w := newTenants(t)
	d := w.Dedicated(platformKey, outbound.Client(5*time.Second))
	disconnect := func(name string) error {
		return d.Tell(t.Context(), name, func(a *bouncer.Admin) error { return a.Disconnect(t.Context(), name) })
	}
	if err := disconnect("ada"); err != nil {
		t.Errorf("nobody has a bouncer: %v", err)
	}
	ada := w.create("ada", "ada")
	wantKind(t, disconnect("ada"), fault.Unavailable, "The bouncer cannot be reached")

	var told []string
	w.Serve("ada", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+bouncer.AdminToken(platformKey, "ada").Reveal() {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		told = append(told, r.Method+" "+r.URL.Path)
		rw.WriteHeader(http.StatusNoContent)
	}))
	if err := disconnect("ada"); err != nil || len(told) != 1 || told[0] != "POST /v1/users/ada/disconnect" {
		t.Errorf("told %v, %v", told, err)
	}

	w.create("eve", "eve")
	w.suspend("eve")
	if err := disconnect("eve"); err != nil {
		t.Errorf("a suspended bouncer has no connections: %v", err)
	}
	if err := w.Bouncers().Delete(t.Context(), "ada", ada.UID); err != nil {
		t.Fatal(err)
	}
}

func TestABouncerOfAnotherNameIsToldToo(t *testing.T) {
	w := newTenants(t)
	d := w.Dedicated(platformKey, outbound.Client(5*time.Second))
	w.create("adas-other", "ada")
	disconnect := func() error {
		return d.Tell(t.Context(), "ada", func(a *bouncer.Admin) error { return a.Disconnect(t.Context(), "ada") })
	}
	wantKind(t, disconnect(), fault.Unavailable, "The bouncer cannot be reached")
	told := 0
	w.Serve("adas-other", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		told++
		rw.WriteHeader(http.StatusNoContent)
	}))
	if err := disconnect(); err != nil || told != 1 {
		t.Errorf("told %d times, %v", told, err)
	}
}

func (w *tenants) suspend(name string) {
	w.t.Helper()
	b, err := w.Bouncers().Get(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	b.Spec.Suspended = true
	if err := w.Update(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

func TestWhileTheAPIServerIsAwayARunningBouncerIsToldAllTheSame(t *testing.T) {
	w := newTenants(t)
	away, err := client.Settings{Namespace: w.Settings.Namespace, URL: "http://127.0.0.1:1"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := away.Dedicated(platformKey, outbound.Client(5*time.Second))
	w.Serve("ada", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) }))
	disconnect := func(name string) error {
		return d.Tell(t.Context(), name, func(a *bouncer.Admin) error { return a.Disconnect(t.Context(), name) })
	}
	if err := disconnect("ada"); err != nil {
		t.Error(err)
	}
	// Nobody can tell whether there is one, so it has to be tried again.
	wantKind(t, disconnect("eve"), fault.Unavailable, "does not answer")
}

func TestOnOneMachineNobodyHasABouncerOfTheirOwn(t *testing.T) {
	var d *client.Dedicated
	if err := d.Tell(t.Context(), "ada", func(*bouncer.Admin) error { panic("somebody was told") }); err != nil {
		t.Error(err)
	}
}
