package portal_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"irc.now/functions/portal"
	"irc.now/functions/portal/portaltest"
	"irc.now/shared/bouncer"
	"irc.now/shared/function"
)

func TestMissingSettingsAreNamedAllAtOnce(t *testing.T) {
	instance := function.New("portal", portal.New(), slog.New(slog.DiscardHandler))
	err := instance.Start(t.Context(), map[string]string{"IRC_PORT": "70000", "EXTRA_NETWORKS": "nonsense"})
	if err == nil {
		t.Fatal("started without settings")
	}
	for _, name := range []string{
		"BASE_URL", "LANDING_URL", "ACCOUNTS_DATABASE_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET",
		"BOUNCER_ADMIN_URL", "BOUNCER_ADMIN_TOKEN", "IRC_HOST", "IRC_PORT", "EXTRA_NETWORKS",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}

func TestFirstSignInLeadsToTheHandleAndThenTheDashboard(t *testing.T) {
	g := portaltest.Start(t)
	p := g.SignIn(t, "s", "Ada.Lovelace@example.org", "")
	page := p.Get("/networks").Status(http.StatusOK)
	if page.Path() != "/handle" || page.Value("handle") != "ada-lovelace" {
		t.Fatalf("at %s, %q is suggested", page.Path(), page.Value("handle"))
	}
	p.Post("/handle", "handle", "Ada").Status(http.StatusOK).Says("You are ada now", "Add a network", "one network", "the last 48 hours", "Up")
	if again := p.Get("/handle"); again.Path() != "/" {
		t.Error("a second handle is offered")
	}
	if again := p.Post("/handle", "handle", "other"); again.Path() != "/" {
		t.Error("a second handle is taken")
	}
	if g.Bouncer.Users["ada"] != 1 {
		t.Errorf("the bouncer was told %v", g.Bouncer.Users)
	}
}

func TestPagesNeedASession(t *testing.T) {
	v := portaltest.Start(t).Visitor(t)
	v.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range []string{"/handle", "/networks", "/networks/new", "/networks/1/edit", "/networks/1/remove", "/passwords", "/passwords/created", "/passwords/x/revoke", "/connect", "/account"} {
		page := v.Get(path).Status(http.StatusSeeOther)
		if got := page.Header.Get("Location"); got != "/auth/sign-in?return="+url.QueryEscape(path) {
			t.Errorf("%s leads to %s", path, got)
		}
	}
	for _, path := range []string{"/handle", "/networks", "/networks/1", "/networks/1/remove", "/networks/1/connect", "/networks/1/disconnect", "/passwords", "/passwords/x/revoke", "/account/sign-out-everywhere"} {
		v.Post(path).Status(http.StatusSeeOther)
	}
	v.Do(http.MethodGet, "/networks/state", "", "Sec-Fetch-Mode", "cors").Status(http.StatusUnauthorized)
}

func TestMethodsAreStrict(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	for path, method := range map[string]string{
		"/auth/sign-out": http.MethodGet, "/networks/1/connect": http.MethodGet, "/account/sign-out-everywhere": http.MethodGet,
		"/": http.MethodPost, "/connect": http.MethodPost, "/passwords/created": http.MethodPost,
		"/networks": http.MethodDelete, "/account": http.MethodPut,
	} {
		p.Do(method, path, "").Status(http.StatusMethodNotAllowed)
	}
	p.Get("/nothing").Status(http.StatusNotFound)
}

func TestEveryPageIsPrivateAndLocked(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.Give("ada", bouncer.Upstream{ID: 7, Name: "libera", Host: "irc.libera.chat", Port: 6697, TLS: true})
	p := g.User(t, "ada")
	for _, path := range []string{"/", "/networks", "/networks/7/edit", "/networks/7/remove", "/passwords", "/connect", "/account", "/nothing"} {
		page := p.Get(path)
		if got := page.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		csp := page.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "script-src 'self'") || !strings.Contains(csp, "form-action 'self' "+g.Identity.Issuer) {
			t.Errorf("%s: policy %q", path, csp)
		}
		if page.Find("h1").Length() != 1 || page.Find("[style], [onclick], script:not([src])").Length() != 0 {
			t.Errorf("%s: %d h1, or something inline", path, page.Find("h1").Length())
		}
		page.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
			id, _ := s.Attr("id")
			if s.Closest("label").Length() == 0 && page.Find(`label[for="`+id+`"]`).Length() == 0 {
				t.Errorf("%s: the control %q has no label", path, id)
			}
		})
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	for _, header := range [][]string{{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		for _, path := range []string{"/networks", "/passwords", "/auth/sign-out", "/account/sign-out-everywhere"} {
			p.Do(http.MethodPost, path, "name=x", header...).Status(http.StatusForbidden)
		}
	}
	p.Get("/passwords").Says("No passwords yet")
}

func TestHugeAndForeignBodiesAreRefused(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	p.Post("/passwords", "name", strings.Repeat("a", 100<<10)).Status(http.StatusRequestEntityTooLarge)
	p.Post("/networks", "name", strings.Repeat("a", 100<<10)).Status(http.StatusRequestEntityTooLarge)
	p.Do(http.MethodPost, "/passwords", `{"name":"x"}`, "Content-Type", "application/json").Status(http.StatusUnsupportedMediaType)
}

func TestDatabaseAwayIsSaidSo(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	// Sessions are read first: without their table nothing else is asked.
	g.Execute(t, `ALTER TABLE sessions RENAME TO gone`)
	page := p.Get("/").Status(http.StatusServiceUnavailable).Says("cannot reach our database")
	if page.Header.Get("Retry-After") == "" {
		t.Error("nobody is told when to try again")
	}
	g.Execute(t, `ALTER TABLE gone RENAME TO sessions`)
	p.Get("/").Status(http.StatusOK)
}

func TestDeletedAccountIsSignedOut(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	g.Execute(t, `DELETE FROM account`)
	p.Get("/").Status(http.StatusUnauthorized).Says("no longer exists")
	p.Get("/").Status(http.StatusOK).Has("/auth/sign-in")
}

func TestBouncerAwayIsPartOfThePage(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.With(func() { g.Bouncer.Away = true })
	p := g.User(t, "ada")
	for _, path := range []string{"/", "/networks", "/connect"} {
		p.Get(path).Status(http.StatusOK).Says("does not answer")
	}
	p.Get("/passwords").Status(http.StatusOK)
	p.Get("/networks/new").Status(http.StatusServiceUnavailable)
	page := p.Post("/networks", "name", "libera", "host", "irc.libera.chat", "port", "6697", "tls", "on", "sasl_username", "ada", "sasl_password", "hunter2")
	page.Status(http.StatusServiceUnavailable).SaysNot("hunter2")
	if page.Value("host") != "irc.libera.chat" || page.Value("name") != "libera" {
		t.Error("what was typed is lost")
	}
	g.Bouncer.With(func() { g.Bouncer.Away = false })
	p.Post("/networks", "name", "libera", "host", "irc.libera.chat", "port", "6697", "tls", "on").Status(http.StatusOK).Says("libera is added")
	if limit, made := g.Bouncer.Users["ada"]; !made || limit != 1 {
		t.Error("the user was not made at the bouncer once it was back")
	}
}

func TestBouncersStateIsAskedForSeldom(t *testing.T) {
	now := time.Now()
	g := portaltest.Start(t, portaltest.Timed(portal.Timing{Now: func() time.Time { return now }, Patience: time.Hour}))
	p := g.User(t, "ada")
	p.Get("/")
	before := g.Bouncer.Asked
	for range 5 {
		p.Get("/")
		p.Get("/networks/state")
	}
	if asked := g.Bouncer.Asked - before; asked > 3 {
		t.Errorf("ten pages asked the bouncer %d times", asked)
	}
}

func TestNULIsRefusedInEveryField(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	for _, field := range []string{"name", "host", "port", "nick", "realname", "channels", "sasl_username", "sasl_password", "server_password"} {
		p.Post("/networks", portaltest.But(field, "a\x00b")...).Status(http.StatusBadRequest)
	}
	p.Post("/passwords", "name", "a\x00b").Status(http.StatusBadRequest)
}
