package functions_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"irc.now/functions"
)

func TestTheTableHoldsEachFunctionOnce(t *testing.T) {
	folders, err := filepath.Glob("*/cmd")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, part := range functions.Table() {
		names = append(names, part.Name)
	}
	var want []string
	for _, folder := range folders {
		want = append(want, filepath.Dir(folder))
	}
	if !slices.Equal(names, want) {
		t.Errorf("the table has %v, the folders are %v", names, want)
	}
}

func TestTheTableIsConsistent(t *testing.T) {
	hosts := map[string]string{}
	for _, part := range functions.Table() {
		if part.Title == "" || part.Reach == "" || part.New == nil {
			t.Errorf("%s: something is not filled in", part.Name)
		}
		if part.Host != "" && !part.Public() {
			t.Errorf("%s has a host, but who reaches it is %s", part.Name, part.Reach)
		}
		if other, taken := hosts[part.Host]; taken && part.Public() {
			t.Errorf("%s and %s are at the same host", part.Name, other)
		}
		if part.Public() {
			hosts[part.Host] = part.Name
		}
		if part.New() == part.New() {
			t.Errorf("%s: New gives the same value twice", part.Name)
		}
	}
}

func TestAPartsOwnSettingsGoFirst(t *testing.T) {
	part, _ := functions.Find("portal")
	all := map[string]string{"A": "all", "B": "all", "PORTAL__B": "portal", "LANDING__B": "landing", "PORTAL_B": "all"}
	before := maps.Clone(all)
	got := part.Settings(all)
	if got["A"] != "all" || got["B"] != "portal" {
		t.Errorf("%v", got)
	}
	if !maps.Equal(all, before) {
		t.Error("the settings of all were changed")
	}
	if _, known := functions.Find("nobody"); known {
		t.Error("a part that is not there was found")
	}
}

func hosted(t *testing.T, change map[string]string) (*functions.Hosted, error) {
	t.Helper()
	h := functions.NewHosted(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})))
	env := map[string]string{
		"BASE_URL": "https://irc.test", "PORTAL_URL": "https://my.irc.test", "LANDING_URL": "https://irc.test",
		"IRC_HOST": "irc.test", "IRC_PORT": "6697", "K_SINK": "http://127.0.0.1:9", "STRIPE_WEBHOOK_SECRETS": "whsec_test",
	}
	maps.Copy(env, change)
	err := h.Start(t.Context(), env)
	t.Cleanup(func() {
		if err := h.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, err
}

func get(t *testing.T, h *functions.Hosted, host, path string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.Handle(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestTheOneFunctionThatIsNamedAnswersAtAnyHost(t *testing.T) {
	h, err := hosted(t, map[string]string{"FUNCTION": "landing"})
	if err != nil {
		t.Fatal(err)
	}
	if ready, err := h.Ready(t.Context()); !ready || err != nil {
		t.Errorf("ready: %v, %v", ready, err)
	}
	for _, host := range []string{"irc.test", "anything.example:8080"} {
		if status, body := get(t, h, host, "/"); status != http.StatusOK || !strings.Contains(body, "<h1") {
			t.Errorf("%s: status %d", host, status)
		}
	}
	if _, body := get(t, h, "irc.test", "/sitemap.xml"); !strings.Contains(body, "https://irc.test/") {
		t.Errorf("its address is not the one that it was given: %s", body)
	}
	if h.Part("portal") != nil {
		t.Error("others were started as well")
	}
}

func TestNothingIsServedWhereOnePartCannotStart(t *testing.T) {
	h, err := hosted(t, nil) // the portal lacks most of what it needs
	if err == nil || !strings.Contains(err.Error(), "start portal") || !strings.Contains(err.Error(), "OIDC_ISSUER") {
		t.Fatalf("%v", err)
	}
	if ready, _ := h.Ready(t.Context()); ready {
		t.Error("it is ready")
	}
	if status, _ := get(t, h, "irc.test", "/"); status != http.StatusServiceUnavailable {
		t.Errorf("the landing site answered with %d", status)
	}
}

func TestWrongSettingsOfTheWholeAreNamed(t *testing.T) {
	for want, change := range map[string]map[string]string{
		"BASE_URL is empty":       {"BASE_URL": ""},
		"FUNCTION is no function": {"FUNCTION": "nobody"},
	} {
		if _, err := hosted(t, change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v instead of %q", err, want)
		}
	}
}
