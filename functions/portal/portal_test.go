package portal_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"irc.now/functions/portal"
	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
	"irc.now/shared/function"
	"irc.now/shared/store"
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

func TestVisitorsFindTheDoor(t *testing.T) {
	v := start(t).visitor(t)
	v.get("/").status(http.StatusOK).has("/auth/sign-in").has("/auth/sign-in?new")
	v.get("/?signed-out=here").says("you may still be signed in there")
}

func TestFirstSignInLeadsToTheHandleAndThenTheDashboard(t *testing.T) {
	g := start(t)
	p := g.signIn(t, "s", "Ada.Lovelace@example.org", "")
	page := p.get("/networks").status(http.StatusOK)
	if page.path() != "/handle" || page.value("handle") != "ada-lovelace" {
		t.Fatalf("at %s, %q is suggested", page.path(), page.value("handle"))
	}
	p.post("/handle", "handle", "Ada").status(http.StatusOK).says("You are ada now", "Add a network", "one network", "the last 48 hours", "Up")
	if again := p.get("/handle"); again.path() != "/" {
		t.Error("a second handle is offered")
	}
	if again := p.post("/handle", "handle", "other"); again.path() != "/" {
		t.Error("a second handle is taken")
	}
	if g.bouncer.users["ada"] != 1 {
		t.Errorf("the bouncer was told %v", g.bouncer.users)
	}
}

func TestSuggestedHandleIsFree(t *testing.T) {
	g := start(t)
	g.user(t, "grace")
	if got := g.signIn(t, "s2", "grace@example.net", "grace").get("/handle").value("handle"); got != "grace2" {
		t.Errorf("%q is suggested", got)
	}
	for username, want := range map[string]string{"admin": "admin2", "9lives": "lives", "ÄÖ": "", "a.very.long.name.indeed": "a-very-long-name"} {
		if got := g.signIn(t, username, "", username).get("/handle").value("handle"); got != want {
			t.Errorf("%q: %q is suggested, want %q", username, got, want)
		}
	}
}

func TestBadHandlesAreRefusedWithAReason(t *testing.T) {
	g := start(t)
	g.user(t, "taken")
	p := g.signIn(t, "s", "x@example.org", "x")
	for handle, want := range map[string]struct {
		status int
		reason string
	}{
		"":           {422, "Please type"},
		"1abc":       {422, "starts with a letter"},
		"a":          {422, "at least"},
		"a_b":        {422, "letters a to z"},
		"ab\r\nQUIT": {422, "letters a to z"},
		"nickserv":   {422, "reserved"},
		"taken":      {409, "taken"},
		"Taken":      {409, "taken"},
		"<b>":        {422, "letters a to z"},
	} {
		page := p.post("/handle", "handle", handle).status(want.status)
		if !strings.Contains(page.fieldError("handle"), want.reason) || strings.ReplaceAll(page.value("handle"), "\n", "\r\n") != handle {
			t.Errorf("%q: says %q, holds %q", handle, page.fieldError("handle"), page.value("handle"))
		}
	}
	p.post("/handle", "handle", "a\x00b").status(http.StatusBadRequest)
}

func TestGuessingHandlesIsLimited(t *testing.T) {
	g := start(t)
	p := g.signIn(t, "s", "x@example.org", "x")
	for range 40 {
		if p.post("/handle", "handle", "nickserv").StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("forty guesses in a row were answered")
}

func TestPagesNeedASession(t *testing.T) {
	v := start(t).visitor(t)
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range []string{"/handle", "/networks", "/networks/new", "/networks/1/edit", "/networks/1/remove", "/passwords", "/passwords/created", "/passwords/x/revoke", "/connect", "/account"} {
		page := v.get(path).status(http.StatusSeeOther)
		if got := page.Header.Get("Location"); got != "/auth/sign-in?return="+url.QueryEscape(path) {
			t.Errorf("%s leads to %s", path, got)
		}
	}
	for _, path := range []string{"/handle", "/networks", "/networks/1", "/networks/1/remove", "/networks/1/connect", "/networks/1/disconnect", "/passwords", "/passwords/x/revoke", "/account/sign-out-everywhere"} {
		v.post(path).status(http.StatusSeeOther)
	}
	v.do(http.MethodGet, "/networks/state", "", "Sec-Fetch-Mode", "cors").status(http.StatusUnauthorized)
}

func TestMethodsAreStrict(t *testing.T) {
	p := start(t).user(t, "ada")
	for path, method := range map[string]string{
		"/auth/sign-out": http.MethodGet, "/networks/1/connect": http.MethodGet, "/account/sign-out-everywhere": http.MethodGet,
		"/": http.MethodPost, "/connect": http.MethodPost, "/passwords/created": http.MethodPost,
		"/networks": http.MethodDelete, "/account": http.MethodPut,
	} {
		p.do(method, path, "").status(http.StatusMethodNotAllowed)
	}
	p.get("/nothing").status(http.StatusNotFound)
}

func TestEveryPageIsPrivateAndLocked(t *testing.T) {
	g := start(t)
	g.bouncer.give("ada", bouncer.Upstream{ID: 7, Name: "libera", Host: "irc.libera.chat", Port: 6697, TLS: true})
	p := g.user(t, "ada")
	for _, path := range []string{"/", "/networks", "/networks/7/edit", "/networks/7/remove", "/passwords", "/connect", "/account", "/nothing"} {
		page := p.get(path)
		if got := page.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		csp := page.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "script-src 'self'") || !strings.Contains(csp, "form-action 'self' "+g.op.Issuer) {
			t.Errorf("%s: policy %q", path, csp)
		}
		if page.Find("h1").Length() != 1 || page.Find("[style], [onclick], script:not([src])").Length() != 0 {
			t.Errorf("%s: %d h1, or something inline", path, page.Find("h1").Length())
		}
		page.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquerySelection) {
			id, _ := s.Attr("id")
			if s.Closest("label").Length() == 0 && page.Find(`label[for="`+id+`"]`).Length() == 0 {
				t.Errorf("%s: the control %q has no label", path, id)
			}
		})
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	p := start(t).user(t, "ada")
	for _, header := range [][]string{{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		for _, path := range []string{"/networks", "/passwords", "/auth/sign-out", "/account/sign-out-everywhere"} {
			p.do(http.MethodPost, path, "name=x", header...).status(http.StatusForbidden)
		}
	}
	p.get("/passwords").says("No passwords yet")
}

func TestHugeAndForeignBodiesAreRefused(t *testing.T) {
	p := start(t).user(t, "ada")
	p.post("/passwords", "name", strings.Repeat("a", 100<<10)).status(http.StatusRequestEntityTooLarge)
	p.post("/networks", "name", strings.Repeat("a", 100<<10)).status(http.StatusRequestEntityTooLarge)
	p.do(http.MethodPost, "/passwords", `{"name":"x"}`, "Content-Type", "application/json").status(http.StatusUnsupportedMediaType)
}

func TestSignOutEndsTheSession(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	p.post("/auth/sign-out").status(http.StatusOK).has("/auth/sign-in")
	if g.op.SignedIn() != 0 {
		t.Error("still signed in at the provider")
	}
}

func TestSignOutEverywhereEndsTheOtherBrowsersToo(t *testing.T) {
	g := start(t)
	here := g.user(t, "ada")
	there := g.signIn(t, "subject of ada", "ada@example.org", "ada")
	other := g.user(t, "grace")
	here.post("/account/sign-out-everywhere").status(http.StatusOK).has("/auth/sign-in")
	there.get("/").has("/auth/sign-in")
	other.get("/account").says("grace")
}

func TestRefusedSignInSaysSoAndOffersAnother(t *testing.T) {
	g := start(t)
	g.op.Deny("access_denied")
	g.visitor(t).get("/auth/sign-in").status(http.StatusForbidden).says("You did not finish signing in").has("/auth/sign-in")
	g.visitor(t).get("/auth/callback?state=x&code=y").status(http.StatusUnprocessableEntity).says("Please sign in again").has("/auth/sign-in")
}

func TestProviderAwayIsSaidSo(t *testing.T) {
	g := start(t)
	g.op.Away(true)
	g.visitor(t).get("/auth/sign-in").status(http.StatusServiceUnavailable).says("sign-in service does not answer")
	g.visitor(t).get("/").status(http.StatusOK)
}

func TestDatabaseAwayIsSaidSo(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	pool, err := store.Open(t.Context(), g.database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	// Sessions are read first: without their table nothing else is asked.
	if _, err := pool.Exec(t.Context(), `ALTER TABLE sessions RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	page := p.get("/").status(http.StatusServiceUnavailable).says("cannot reach our database")
	if page.Header.Get("Retry-After") == "" {
		t.Error("nobody is told when to try again")
	}
	if _, err := pool.Exec(t.Context(), `ALTER TABLE gone RENAME TO sessions`); err != nil {
		t.Fatal(err)
	}
	p.get("/").status(http.StatusOK)
}

func TestDeletedAccountIsSignedOut(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	pool, err := store.Open(t.Context(), g.database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `DELETE FROM account`); err != nil {
		t.Fatal(err)
	}
	p.get("/").status(http.StatusUnauthorized).says("no longer exists")
	p.get("/").status(http.StatusOK).has("/auth/sign-in")
}

func TestBouncerAwayIsPartOfThePage(t *testing.T) {
	g := start(t)
	g.bouncer.with(func() { g.bouncer.away = true })
	p := g.user(t, "ada")
	for _, path := range []string{"/", "/networks", "/connect"} {
		p.get(path).status(http.StatusOK).says("does not answer")
	}
	p.get("/passwords").status(http.StatusOK)
	p.get("/networks/new").status(http.StatusServiceUnavailable)
	page := p.post("/networks", "name", "libera", "host", "irc.libera.chat", "port", "6697", "tls", "on", "sasl_username", "ada", "sasl_password", "hunter2")
	page.status(http.StatusServiceUnavailable).saysNot("hunter2")
	if page.value("host") != "irc.libera.chat" || page.value("name") != "libera" {
		t.Error("what was typed is lost")
	}
	g.bouncer.with(func() { g.bouncer.away = false })
	p.post("/networks", "name", "libera", "host", "irc.libera.chat", "port", "6697", "tls", "on").status(http.StatusOK).says("libera is added")
	if limit, made := g.bouncer.users["ada"]; !made || limit != 1 {
		t.Error("the user was not made at the bouncer once it was back")
	}
}

func TestBouncersStateIsAskedForSeldom(t *testing.T) {
	g := start(t)
	g.function.StopClock()
	p := g.user(t, "ada")
	p.get("/")
	before := g.bouncer.asked
	for range 5 {
		p.get("/")
		p.get("/networks/state")
	}
	if asked := g.bouncer.asked - before; asked > 3 {
		t.Errorf("ten pages asked the bouncer %d times", asked)
	}
}

var overQuota = bouncer.Problem{Kind: fault.OverQuota.String(), Sentence: "The bouncer allows one network for this user."}
