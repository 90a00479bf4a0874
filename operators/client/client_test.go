package client_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/fault"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }

// tenants is a namespace on a real API server, and a client with the permissions of the portal.
type tenants struct {
	*client.Client

	*clienttest.Tenants
	t *testing.T
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	w := &tenants{t: t, Tenants: clienttest.Start(t, "get", "list", "watch", "create", "delete")}
	w.Client = w.open(w.Settings)
	return w
}

func (w *tenants) open(settings client.Settings) *client.Client {
	w.t.Helper()
	opened, err := settings.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	return opened
}

func (w *tenants) create(name, owner string) *v1alpha1.SojuBouncer {
	w.t.Helper()
	made, err := w.Bouncers().Create(w.t.Context(), w.Bouncer(name, owner))
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// answer changes the status as an operator does.
func (w *tenants) answer(name, host string) {
	w.t.Helper()
	w.Change(name, func(s *v1alpha1.Status) { s.Host = host })
}

func wantKind(t *testing.T, err error, kind fault.Kind, sentence string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(fault.Sentence(err), sentence) {
		t.Errorf("got %v, want the kind %v with %q", err, kind, sentence)
	}
}

func TestABouncerFromFirstToLast(t *testing.T) {
	w := newTenants(t)
	made := w.create("ada", "ada")
	if made.UID == "" || made.Spec.Role != v1alpha1.RoleDedicated {
		t.Errorf("made %+v", made)
	}
	w.create("eve", "eve")
	w.answer("ada", "ada.irc.test")

	found, err := w.Bouncers().Get(t.Context(), "ada")
	if err != nil || found.Status.Host != "ada.irc.test" {
		t.Errorf("got %+v, %v", found, err)
	}
	bouncers, err := w.Bouncers().List(t.Context(), "ada")
	if err != nil || len(bouncers) != 1 || bouncers[0].Name != "ada" || bouncers[0].Status.Host != "ada.irc.test" {
		t.Errorf("ada's are %+v, %v", bouncers, err)
	}
	if err := w.Bouncers().Delete(t.Context(), "ada", made.UID); err != nil {
		t.Fatal(err)
	}
	if bouncers, err := w.Bouncers().List(t.Context(), "ada"); err != nil || len(bouncers) != 0 {
		t.Errorf("left are %+v, %v", bouncers, err)
	}
}

func TestWhatTheAPIServerRefusesHasAKindAndASentence(t *testing.T) {
	w := newTenants(t)
	ada := w.create("ada", "ada")
	bouncers := w.Bouncers()
	_, err := bouncers.Get(t.Context(), "nobody")
	wantKind(t, err, fault.NotFound, "There is no such bouncer.")
	wantKind(t, bouncers.Delete(t.Context(), "nobody", ""), fault.NotFound, "no such bouncer")
	_, err = bouncers.Create(t.Context(), w.Bouncer("ada", "ada"))
	wantKind(t, err, fault.Conflict, "There is a bouncer of that name already.")
	wantKind(t, bouncers.Delete(t.Context(), "ada", "b3a1a8f2-0000-4000-8000-000000000000"), fault.Conflict, "has changed in the meantime")
	_, err = bouncers.Create(t.Context(), w.Bouncer("admin", "ada"))
	wantKind(t, err, fault.Invalid, "The name is reserved. Please pick another one.")
	if got := fault.Sentence(err); strings.Contains(got, "Invalid value") {
		t.Errorf("Kubernetes' own words are shown: %s", got)
	}
	if err := bouncers.Delete(t.Context(), "ada", ada.UID); err != nil {
		t.Error(err)
	}
}

func TestAPatchIsOfWhatWasRead(t *testing.T) {
	w := newTenants(t)
	w.Allow("sojubouncers", "patch")
	ada := w.create("ada", "ada")
	patch := func(version, title string) error {
		return w.Bouncers().Patch(t.Context(), "ada", []byte(`{"metadata":{"resourceVersion":"`+version+`"},"spec":{"title":"`+title+`"}}`))
	}
	if err := patch(ada.ResourceVersion, "one"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, patch(ada.ResourceVersion, "two"), fault.Conflict, "has changed in the meantime")
	if b, err := w.Bouncers().Get(t.Context(), "ada"); err != nil || b.Spec.Title != "one" || b.Spec.Owner != "ada" {
		t.Errorf("it is %+v, %v", b, err)
	}
	wantKind(t, w.Bouncers().Patch(t.Context(), "nobody", []byte("{}")), fault.NotFound, "no such bouncer")
}

func TestAMissingPermissionIsOurOwnFault(t *testing.T) {
	_, err := newTenants(t).Networks().List(t.Context(), "ada")
	wantKind(t, err, fault.Internal, "Something went wrong on our side.")
	if err == nil || !strings.Contains(err.Error(), "ergonetworks") {
		t.Errorf("the log is not told what is missing: %v", err)
	}
}

func TestATokenIsReadAgainAsItIsReplaced(t *testing.T) {
	w := newTenants(t)
	good, err := os.ReadFile(w.Settings.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	settings := w.Settings
	settings.TokenFile = w.File("replaced", []byte("worn-out"))
	opened := w.open(settings)
	_, err = opened.Bouncers().List(t.Context(), "ada")
	wantKind(t, err, fault.Internal, "Something went wrong")
	if err := os.WriteFile(settings.TokenFile, good, 0o600); err != nil {
		t.Fatal(err)
	}
	// A token is kept for some seconds: the next client begins with the new one.
	if _, err := w.open(settings).Bouncers().List(t.Context(), "ada"); err != nil {
		t.Error(err)
	}
}

func TestSettingsNameTheirVariables(t *testing.T) {
	for _, c := range []struct {
		settings client.Settings
		want     string
	}{
		{client.Settings{}, ""},
		{client.Settings{Namespace: "x"}, ""},
		{client.Settings{Namespace: "x", CAFile: "ca"}, "KUBERNETES_API_URL"},
		{client.Settings{URL: "https://10.96.0.1"}, "TENANT_NAMESPACE"},
	} {
		err := c.settings.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.settings, err)
		}
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := (client.Settings{Namespace: "x"}).Open(); err == nil || !strings.Contains(err.Error(), "TENANT_NAMESPACE") {
		t.Errorf("outside of a pod: %v", err)
	}
}

// within bounds what a test waits for.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
