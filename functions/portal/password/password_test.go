package password_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
)

var secretPattern = regexp.MustCompile(`^irc_[a-z0-9]+_[a-z0-9]{32,}$`)

func TestPasswordIsShownOnceAndWorks(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	page := p.Post("/passwords", "name", "Laptop & phone").Status(http.StatusOK).Says("Your new password", "only this once")
	if page.Path() != "/passwords/created" || page.Request.URL.RawQuery != "" || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("shown at %s, Cache-Control %q", page.Request.URL, page.Header.Get("Cache-Control"))
	}
	secret, _ := page.Find(".copy input").Attr("value")
	if !secretPattern.MatchString(secret) {
		t.Fatalf("the secret is %q", secret)
	}
	for _, path := range []string{"/passwords/created", "/passwords", "/", "/connect"} {
		p.Get(path).Status(http.StatusOK).SaysNot(secret, secret[len(secret)-20:])
	}
	p.Get("/passwords").Says("Laptop & phone", "never")

	user, err := account.NewStore(g.Pool).VerifyPassword(t.Context(), secret)
	if err != nil || user.Handle != "ada" {
		t.Errorf("the password opens %q: %v", user.Handle, err)
	}
	p.Get("/passwords").SaysNot("never")
}

func TestLookingWithHEADDoesNotUseUpTheOneTime(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	follow := p.Client.CheckRedirect
	p.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.Post("/passwords", "name", "x").Status(http.StatusSeeOther)
	p.Do(http.MethodHead, "/passwords/created", "")
	p.Client.CheckRedirect = follow
	if page := p.Get("/passwords/created"); page.Find(".copy input").Length() != 1 {
		t.Error("the secret is gone")
	}
}

func TestRevokedPasswordIsGone(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	page := p.Post("/passwords", "name", "Old phone")
	secret, _ := page.Find(".copy input").Attr("value")
	link, _ := p.Get("/passwords").Find(`a[href$="/revoke"]`).Attr("href")
	p.Get(link).Status(http.StatusOK).Says("Old phone", "within a minute")
	p.Post(link).Status(http.StatusOK).Says("no longer works", "disconnected within a minute")
	p.Get(link).Status(http.StatusNotFound)
	p.Post(link).Status(http.StatusNotFound)

	if _, err := account.NewStore(g.Pool).VerifyPassword(t.Context(), secret); err == nil {
		t.Error("a revoked password still works")
	}
}

func TestPasswordsOfOthersAreNotThere(t *testing.T) {
	g := portaltest.Start(t)
	ada := g.User(t, "ada")
	ada.Post("/passwords", "name", "Laptop")
	link, _ := ada.Get("/passwords").Find(`a[href$="/revoke"]`).Attr("href")
	eve := g.User(t, "eve")
	eve.Get(link).Status(http.StatusNotFound)
	eve.Post(link).Status(http.StatusNotFound)
	eve.Get("/passwords/created").SaysNot("irc_")
	ada.Get("/passwords").Says("Laptop")
}

func TestBadPasswordNamesAreRefused(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	for _, name := range []string{"", "   ", "a\r\nb", "a\x07b", strings.Repeat("x", 65), "a\u202eb"} {
		page := p.Post("/passwords", "name", name).Status(http.StatusUnprocessableEntity)
		if page.FieldError("name") == "" {
			t.Errorf("%q: no reason is given", name)
		}
	}
	p.Get("/passwords").Says("No passwords yet")
}

func TestMakingPasswordsIsLimited(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	for range 40 {
		if p.Post("/passwords", "name", "x").StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("forty passwords in a row were made")
}
