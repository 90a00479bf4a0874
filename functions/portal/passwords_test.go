package portal_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"irc.now/shared/account"
	"irc.now/shared/store"
)

var secretPattern = regexp.MustCompile(`^irc_[a-z0-9]+_[a-z0-9]{32,}$`)

func TestPasswordIsShownOnceAndWorks(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	page := p.post("/passwords", "name", "Laptop & phone").status(http.StatusOK).says("Your new password", "only this once")
	if page.path() != "/passwords/created" || page.Request.URL.RawQuery != "" || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("shown at %s, Cache-Control %q", page.Request.URL, page.Header.Get("Cache-Control"))
	}
	secret, _ := page.Find(".copy input").Attr("value")
	if !secretPattern.MatchString(secret) {
		t.Fatalf("the secret is %q", secret)
	}
	for _, path := range []string{"/passwords/created", "/passwords", "/", "/connect"} {
		p.get(path).status(http.StatusOK).saysNot(secret, secret[len(secret)-20:])
	}
	p.get("/passwords").says("Laptop & phone", "never")

	pool, err := store.Open(t.Context(), g.database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	user, err := account.NewStore(pool).VerifyPassword(t.Context(), secret)
	if err != nil || user.Handle != "ada" {
		t.Errorf("the password opens %q: %v", user.Handle, err)
	}
	p.get("/passwords").saysNot("never")
}

func TestLookingWithHEADDoesNotUseUpTheOneTime(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	follow := p.client.CheckRedirect
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.post("/passwords", "name", "x").status(http.StatusSeeOther)
	p.do(http.MethodHead, "/passwords/created", "")
	p.client.CheckRedirect = follow
	if page := p.get("/passwords/created"); page.Find(".copy input").Length() != 1 {
		t.Error("the secret is gone")
	}
}

func TestRevokedPasswordIsGone(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	page := p.post("/passwords", "name", "Old phone")
	secret, _ := page.Find(".copy input").Attr("value")
	link, _ := p.get("/passwords").Find(`a[href$="/revoke"]`).Attr("href")
	p.get(link).status(http.StatusOK).says("Old phone", "within a minute")
	p.post(link).status(http.StatusOK).says("no longer works", "disconnected within a minute")
	p.get(link).status(http.StatusNotFound)
	p.post(link).status(http.StatusNotFound)

	pool, err := store.Open(t.Context(), g.database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := account.NewStore(pool).VerifyPassword(t.Context(), secret); err == nil {
		t.Error("a revoked password still works")
	}
}

func TestPasswordsOfOthersAreNotThere(t *testing.T) {
	g := start(t)
	ada := g.user(t, "ada")
	ada.post("/passwords", "name", "Laptop")
	link, _ := ada.get("/passwords").Find(`a[href$="/revoke"]`).Attr("href")
	eve := g.user(t, "eve")
	eve.get(link).status(http.StatusNotFound)
	eve.post(link).status(http.StatusNotFound)
	eve.get("/passwords/created").saysNot("irc_")
	ada.get("/passwords").says("Laptop")
}

func TestBadPasswordNamesAreRefused(t *testing.T) {
	p := start(t).user(t, "ada")
	for _, name := range []string{"", "   ", "a\r\nb", "a\x07b", strings.Repeat("x", 65), "a\u202eb"} {
		page := p.post("/passwords", "name", name).status(http.StatusUnprocessableEntity)
		if page.fieldError("name") == "" {
			t.Errorf("%q: no reason is given", name)
		}
	}
	p.get("/passwords").says("No passwords yet")
}

func TestMakingPasswordsIsLimited(t *testing.T) {
	p := start(t).user(t, "ada")
	for range 40 {
		if p.post("/passwords", "name", "x").StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("forty passwords in a row were made")
}

func TestDashboardLeadsFromStepToStep(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	primary := func() string {
		href, _ := p.get("/").Find(".steps a.button-primary").First().Attr("href")
		return href
	}
	if got := primary(); got != "/networks/new" {
		t.Errorf("first comes %q", got)
	}
	p.post("/networks", libera...)
	if got := primary(); got != "/passwords" {
		t.Errorf("second comes %q", got)
	}
	page := p.post("/passwords", "name", "Laptop")
	if got := primary(); got != "/connect" {
		t.Errorf("third comes %q", got)
	}
	secret, _ := page.Find(".copy input").Attr("value")
	pool, err := store.Open(t.Context(), g.database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := account.NewStore(pool).VerifyPassword(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if steps := p.get("/").Find(".steps").Length(); steps != 0 {
		t.Error("somebody who is done is still led")
	}
}

func TestHowToConnectHoldsTheUsersValues(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	p.get("/connect").says("First, a network")
	p.post("/networks", libera...)
	p.get("/connect").says("First, a password")
	secret, _ := p.post("/passwords", "name", "Laptop").Find(".copy input").Attr("value")
	page := p.get("/connect").status(http.StatusOK).says("irc.localhost", "6667", "ada/Libera.Chat", "irssi", "WeeChat", "HexChat", "Halloy", "Goguma").saysNot(secret)
	if n := page.Find(".snippet [data-copy]").Length(); n < 3 {
		t.Errorf("%d snippets can be copied", n)
	}
	p.get("/connect?network=%22%3E%3Cscript%3E").status(http.StatusOK).says("ada/Libera.Chat").saysNot("<script>")
}
