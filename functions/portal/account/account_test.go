package account_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"irc.now/functions/portal/portaltest"
)

func TestSuggestedHandleIsFree(t *testing.T) {
	g := portaltest.Start(t)
	g.User(t, "grace")
	if got := g.SignIn(t, "s2", "grace@example.net", "grace").Get("/handle").Value("handle"); got != "grace2" {
		t.Errorf("%q is suggested", got)
	}
	for username, want := range map[string]string{"admin": "admin2", "9lives": "lives", "ÄÖ": "ao", "a.very.long.name.indeed": "a-very-long-name",
		"bug.plus+irc": "bug-plus", "bücher": "bucher", "bu\u0308cher.zoë": "bucher-zoe", "Łukasz.Strauß": "lukasz-strauss", "søren": "soren",
		"+irc": "", "田中": "", "иван": "", "ａｄａ.x": "ada-x", "a\u200bda.z": "ada-z", "d’arc": "d-arc"} {
		if got := g.SignIn(t, username, "", username).Get("/handle").Value("handle"); got != want {
			t.Errorf("%q: %q is suggested, want %q", username, got, want)
		}
	}
}

func TestBadHandlesAreRefusedWithAReason(t *testing.T) {
	g := portaltest.Start(t)
	g.User(t, "taken")
	p := g.SignIn(t, "s", "x@example.org", "x")
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
		page := p.Post("/handle", "handle", handle).Status(want.status)
		if !strings.Contains(page.FieldError("handle"), want.reason) || strings.ReplaceAll(page.Value("handle"), "\n", "\r\n") != handle {
			t.Errorf("%q: says %q, holds %q", handle, page.FieldError("handle"), page.Value("handle"))
		}
	}
	p.Post("/handle", "handle", "a\x00b").Status(http.StatusBadRequest)
}

func TestGuessingHandlesIsLimited(t *testing.T) {
	g := portaltest.Start(t)
	p := g.SignIn(t, "s", "x@example.org", "x")
	for range 40 {
		if p.Post("/handle", "handle", "nickserv").StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("forty guesses in a row were answered")
}

func TestSignOutEndsTheSession(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Post("/auth/sign-out").Status(http.StatusOK).Has("/auth/sign-in")
	if g.Identity.SignedIn() != 0 {
		t.Error("still signed in at the provider")
	}
}

func TestSignOutEverywhereEndsTheOtherBrowsersToo(t *testing.T) {
	g := portaltest.Start(t)
	here := g.User(t, "ada")
	there := g.SignIn(t, "subject of ada", "ada@example.org", "ada")
	other := g.User(t, "grace")
	here.Post("/account/sign-out-everywhere").Status(http.StatusOK).Has("/auth/sign-in")
	there.Get("/").Has("/auth/sign-in")
	other.Get("/account").Says("grace")
}

// The session at the provider that another browser has lives on; signing in by it must take the password again.
func TestSignOutEverywhereHoldsAgainstSessionsAtTheProvider(t *testing.T) {
	g := portaltest.Start(t)
	here := g.User(t, "ada")
	there := g.SignIn(t, "subject of ada", "ada@example.org", "ada")
	g.Identity.Since(time.Now().Add(-time.Hour))
	here.Post("/account/sign-out-everywhere").Status(http.StatusOK)
	g.Identity.Spoil(func(claims map[string]any) { claims["auth_time"] = time.Now().Add(-time.Hour).Unix() })
	there.Get("/account").Status(http.StatusUnprocessableEntity).Says("Please sign in again")
	if g.Identity.Asked() != 1 {
		t.Errorf("the provider was told %d times to ask for the password", g.Identity.Asked())
	}
	g.Identity.Spoil(nil)
	g.Identity.Since(time.Now().Add(-time.Hour))
	there.Get("/account").Status(http.StatusOK).Says("ada")
	if g.Identity.Asked() != 2 {
		t.Errorf("signed in without the password")
	}
}

// A sign-in may be under way while its owner signs out everywhere: its session begins, and is none.
func TestASessionThatBeganMeanwhileIsSignedOutToo(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Get("/account").Says("ada")
	if _, err := g.Pool.Exec(t.Context(), `UPDATE account SET signed_out_at = now() + interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	p.Do(http.MethodGet, "/account", "", "Sec-Fetch-Mode", "cors").Status(http.StatusUnauthorized).Says("signed out everywhere")
}

func TestRefusedSignInSaysSoAndOffersAnother(t *testing.T) {
	g := portaltest.Start(t)
	g.Identity.Deny("access_denied")
	g.Visitor(t).Get("/auth/sign-in").Status(http.StatusForbidden).Says("You did not finish signing in").Has("/auth/sign-in")
	g.Visitor(t).Get("/auth/callback?state=x&code=y").Status(http.StatusUnprocessableEntity).Says("Please sign in again").Has("/auth/sign-in")
}

func TestProviderAwayIsSaidSo(t *testing.T) {
	g := portaltest.Start(t)
	g.Identity.Away(true)
	g.Visitor(t).Get("/auth/sign-in").Status(http.StatusServiceUnavailable).Says("sign-in service does not answer")
	g.Visitor(t).Get("/").Status(http.StatusOK)
}
