package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"irc.now/shared/auth"
	"irc.now/shared/fault"
)

func TestSignInLeadsBackToThePageThatAskedForIt(t *testing.T) {
	s := start(t)
	b := browser(t)
	page := get(t, b, s.URL+"/private?tab=1")
	page.wants(t, "private of "+userID)
	if got := page.Request.URL.RequestURI(); got != "/private?tab=1" {
		t.Errorf("ended at %s", got)
	}
	if got := page.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if s.last.Authenticated.IsZero() {
		t.Error("nobody says when the person was authenticated")
	}
	s.last.Authenticated = time.Time{}
	want := auth.Identity{Subject: "subject-1", Email: "ada@example.org", EmailVerified: true, PreferredUsername: "ada", Name: "ada"}
	if s.last != want {
		t.Errorf("admitted %+v, want %+v", s.last, want)
	}
}

func TestClaimsMayComeFromUserInfo(t *testing.T) {
	s := start(t)
	s.op.Lean()
	get(t, browser(t), s.URL+"/private").wants(t, "private of "+userID)
	if s.last.Email != "ada@example.org" || s.last.PreferredUsername != "ada" {
		t.Errorf("admitted %+v", s.last)
	}
}

func TestTokenChangesAtSignIn(t *testing.T) {
	s := start(t)
	b := browser(t)
	get(t, b, s.URL+"/private").wants(t, "private of "+userID)
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	tab := get(t, direct(&http.Client{Jar: browser(t).Jar}), s.URL+auth.SignInPath)
	planted := b.Jar.Cookies(address)[0].Value
	b.Jar.SetCookies(address, tab.Cookies())
	get(t, b, tab.Header.Get("Location")).wants(t, "hello "+userID)
	page := do(t, &http.Client{}, http.MethodGet, s.URL+"/", "Cookie", "session="+planted)
	if strings.Contains(page.body, userID) {
		t.Error("a token from before sign-in opens the session after it")
	}
}

func TestRequireAnswersScriptsWithAFault(t *testing.T) {
	s := start(t)
	do(t, browser(t), http.MethodGet, s.URL+"/private", "Sec-Fetch-Mode", "cors").isFault(t, fault.Unauthenticated)
}

func TestAFormSentAfterTheSessionEndedLeadsBackToItsPage(t *testing.T) {
	s := start(t)
	for referer, want := range map[string]string{
		s.URL + "/tell?x=1":      "/tell?x=1",
		"http://evil.example/xx": "/",
		"":                       "/",
	} {
		page := do(t, direct(browser(t)), http.MethodPost, s.URL+"/private", "Referer", referer)
		if got := page.Header.Get("Location"); got != auth.SignInPath+"?return="+url.QueryEscape(want) {
			t.Errorf("Referer %q: sent to %s", referer, got)
		}
	}
}

func TestReturnPathStaysHere(t *testing.T) {
	s := start(t)
	for _, target := range []string{"//evil.example", `/\evil.example`, `\/evil.example`, "https://evil.example", "/\t/evil.example", "javascript:alert(1)", "evil", "/auth/sign-in", "/a\r\nSet-Cookie: x=y"} {
		page := get(t, browser(t), s.URL+auth.SignInPath+"?return="+url.QueryEscape(target))
		page.wants(t, "hello "+userID)
		if page.Request.URL.String() != s.URL+"/" {
			t.Errorf("%q led to %s", target, page.Request.URL)
		}
	}
}

func TestEachStateWorksOnce(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	callback := get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location")
	get(t, b, callback).wants(t, "hello "+userID)
	get(t, b, callback).isFault(t, fault.Invalid)
}

func TestAnswerBelongsToTheBrowserThatAsked(t *testing.T) {
	s := start(t)
	attacker, victim := browser(t), browser(t)
	begun := get(t, direct(attacker), s.URL+auth.SignInPath)
	callback := get(t, direct(attacker), begun.Header.Get("Location")).Header.Get("Location")
	get(t, victim, callback).isFault(t, fault.Invalid)
	get(t, victim, s.URL+"/").wants(t, "hello ")

	get(t, direct(victim), s.URL+auth.SignInPath)
	get(t, victim, callback).isFault(t, fault.Invalid)
	if page := get(t, victim, s.URL+"/"); strings.Contains(page.body, userID) {
		t.Error("the victim is signed in as the attacker")
	}
}

func TestSignInRunsOut(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	callback := get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location")
	s.pass(16 * time.Minute)
	get(t, b, callback).isFault(t, fault.Invalid)
}

func TestTabsSignInIndependently(t *testing.T) {
	s := start(t)
	b := browser(t)
	var tabs []answer
	for range 4 {
		tabs = append(tabs, get(t, direct(b), s.URL+auth.SignInPath+"?return=/private"))
	}
	for _, tab := range tabs {
		get(t, b, tab.Header.Get("Location")).wants(t, "private of "+userID)
	}
}

func TestABrowserHoldsTheSignInsOfItsLastTabs(t *testing.T) {
	s := start(t)
	b := browser(t)
	var tabs []answer
	for range 9 {
		tabs = append(tabs, get(t, direct(b), s.URL+auth.SignInPath+"?return=/private"))
		s.pass(time.Second)
	}
	if kept := len(b.Jar.Cookies(tabs[0].Request.URL)); kept != 5 {
		t.Errorf("%d sign-ins are kept", kept)
	}
	get(t, b, tabs[0].Header.Get("Location")).isFault(t, fault.Invalid)
	for _, tab := range tabs[4:] {
		get(t, b, tab.Header.Get("Location")).wants(t, "private of "+userID)
	}
}

// Strangers begin as many as they like, and many share an address.
func TestBeginningASignInCostsNothing(t *testing.T) {
	s := start(t)
	for range 50 {
		if page := get(t, direct(browser(t)), s.URL+"/private"); page.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", page.StatusCode, page.body)
		}
		if page := get(t, direct(browser(t)), s.URL+auth.SignInPath); !strings.HasPrefix(page.Header.Get("Location"), s.op.Issuer) {
			t.Fatalf("sent to %q: %s", page.Header.Get("Location"), page.body)
		}
	}
	var rows int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows (%v) for visitors", rows, err)
	}
}

func TestASignInIsSealed(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	callback := get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location")
	cookie := begun.Cookies()[0]
	for _, planted := range []string{"", "x", cookie.Value[1:], cookie.Value + "AAAA", strings.ToUpper(cookie.Value)} {
		page := do(t, &http.Client{}, http.MethodGet, callback, "Cookie", cookie.Name+"="+planted)
		page.isFault(t, fault.Invalid)
	}
	other := get(t, direct(browser(t)), s.URL+auth.SignInPath).Cookies()[0]
	do(t, &http.Client{}, http.MethodGet, callback, "Cookie", cookie.Name+"="+other.Value).isFault(t, fault.Invalid)
}

func TestWhoWasShownTooLongAgoIsShownAnew(t *testing.T) {
	s := start(t)
	s.cut = time.Now().Add(-time.Minute)
	s.op.Since(time.Now().Add(-time.Hour))
	get(t, browser(t), s.URL+"/private").wants(t, "private of "+userID)
	if s.op.Asked() != 1 {
		t.Errorf("the provider asked %d times", s.op.Asked())
	}
	s.cut = s.clock() // and signs in a moment later
	s.pass(time.Millisecond)
	s.op.Since(s.cut)
	get(t, browser(t), s.URL+"/private").wants(t, "private of "+userID)
	if s.op.Asked() != 2 {
		t.Errorf("the provider asked %d times", s.op.Asked())
	}
}

func TestAProviderThatDoesNotAskGetsNobodyIn(t *testing.T) {
	s := start(t)
	s.cut = time.Now().Add(-time.Minute)
	for _, said := range []any{time.Now().Add(-time.Hour).Unix(), nil, "now"} {
		s.op.Spoil(func(claims map[string]any) { claims["auth_time"] = said })
		b := browser(t)
		get(t, b, s.URL+"/private").isFault(t, fault.Invalid)
		if page := get(t, b, s.URL+"/"); strings.Contains(page.body, userID) {
			t.Errorf("auth_time %v: signed in", said)
		}
	}
}

func TestForgedAnswersAreRefused(t *testing.T) {
	spoilers := map[string]func(map[string]any){
		"nonce of another sign-in": func(c map[string]any) { c["nonce"] = "another" },
		"no nonce":                 func(c map[string]any) { delete(c, "nonce") },
		"for another client":       func(c map[string]any) { c["aud"] = "another" },
		"of another issuer":        func(c map[string]any) { c["iss"] = "https://evil.example" },
		"run out":                  func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
	}
	s := start(t)
	for name, spoil := range spoilers {
		s.op.Spoil(spoil)
		b := browser(t)
		page := get(t, b, s.URL+"/private")
		if page.Header.Get("Fault") != fault.Invalid.String() {
			t.Errorf("%s: fault %q, body %q", name, page.Header.Get("Fault"), page.body)
		}
		if after := get(t, b, s.URL+"/"); strings.Contains(after.body, userID) {
			t.Errorf("%s: signed in all the same", name)
		}
	}
}

func TestAnswerOfAnotherIssuerIsRefused(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	callback := get(t, direct(b), begun.Header.Get("Location")).Header.Get("Location")
	get(t, b, callback+"&iss=https%3A%2F%2Fevil.example").isFault(t, fault.Invalid)
}

func TestWrongCodeIsRefused(t *testing.T) {
	s := start(t)
	b := browser(t)
	begun := get(t, direct(b), s.URL+auth.SignInPath)
	address, err := url.Parse(begun.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	get(t, b, s.URL+auth.CallbackPath+"?code=made-up&state="+address.Query().Get("state")).isFault(t, fault.Invalid)
}

func TestProvidersRefusalsAreSentences(t *testing.T) {
	s := start(t)
	for code, kind := range map[string]fault.Kind{
		"access_denied": fault.Forbidden, "server_error": fault.Unavailable,
		"temporarily_unavailable": fault.Unavailable, "made_up\"<b>": fault.Invalid,
	} {
		s.op.Deny(code)
		page := get(t, browser(t), s.URL+"/private")
		page.isFault(t, kind)
		if strings.Contains(page.body, "script") || strings.Contains(page.body, "<b>") {
			t.Errorf("%s: the provider's own words are shown: %q", code, page.body)
		}
	}
}

func TestProviderMayBeAwayAndComeBack(t *testing.T) {
	s := start(t)
	b := browser(t)
	s.op.Away(true)
	get(t, b, s.URL+"/").wants(t, "hello ")
	get(t, b, s.URL+"/private").isFault(t, fault.Unavailable)
	s.op.Away(false)
	get(t, b, s.URL+"/private").wants(t, "private of "+userID)
	s.op.Away(true)
	get(t, b, s.URL+"/private").wants(t, "private of "+userID)
	get(t, browser(t), s.URL+"/private")
}

func TestRefusedAdmissionIsNoSignIn(t *testing.T) {
	s := start(t)
	s.admit = fault.New(fault.Forbidden, "Your account is closed.")
	b := browser(t)
	get(t, b, s.URL+"/private").wants(t, "Your account is closed.")
	if page := get(t, b, s.URL+"/"); strings.Contains(page.body, userID) {
		t.Error("signed in all the same")
	}
}

func TestSignUpIsAskedForWhereTheProviderKnowsHow(t *testing.T) {
	s := start(t)
	page := get(t, direct(browser(t)), s.URL+auth.SignInPath+"?new")
	if !strings.Contains(page.Header.Get("Location"), "prompt=create") {
		t.Errorf("sent to %s", page.Header.Get("Location"))
	}
}
