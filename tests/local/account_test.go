package local_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ergochat/irc-go/ircmsg"

	"irc.now/tests/webclient"
)

func TestANewcomerSignsUpPicksAHandleAndSeesTheDashboard(t *testing.T) {
	p := newcomer(t)
	page := p.visit("/")
	page.Says(http.StatusOK, "Dashboard").Says(http.StatusOK, "Free").Says(http.StatusOK, "Up")
	page.Says(http.StatusOK, "Your bouncer is up and waits").Says(http.StatusOK, "Make a password")
	if cache := page.Header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
		t.Errorf("Cache-Control of a page with an account's details is %q", cache)
	}
}

func TestABadHandleIsRefusedWithTheReason(t *testing.T) {
	p := visitor(t)
	taken := newcomer(t)
	page := p.signUp()
	for typed, reason := range map[string]string{
		"":                       "type a handle",
		"a":                      "at least 2",
		"9lives":                 "starts with a letter",
		"has space":              "letters a to z",
		"zoë":                    "letters a to z",
		"a\r\nJOIN #x":           "letters a to z",
		"nul\x00":                "",
		"trailing-":              "hyphen",
		"nickserv":               "reserved",
		"soju-shared":            "reserved",
		"www":                    "reserved",
		strings.Repeat("x", 17):  "at most 16",
		taken.handle:             "taken",
		strings.ToUpper("ADMIN"): "reserved",
	} {
		refused := page.Submit(`[name="handle"]`, webclient.Fields{"handle": typed})
		if refused.Status < 400 || refused.Status >= 500 || !strings.Contains(refused.Words("main"), reason) {
			t.Errorf("handle %q: %d, want a refusal that says %q:\n%s", typed, refused.Status, reason, refused.Words("main"))
		}
	}
	p.visit("/").Says(http.StatusOK, "Pick your handle")
	page.Submit(`[name="handle"]`, webclient.Fields{"handle": "  " + strings.ToUpper(p.handle)}).Says(http.StatusOK, "Dashboard")
	p.visit("/account").Says(http.StatusOK, p.handle)
}

func TestAWrongPasswordSignsNobodyIn(t *testing.T) {
	p := newcomer(t)
	stranger := webclient.New(t)
	page := stranger.Visit(site.Portal+"/auth/sign-in").Says(http.StatusOK, "Sign in")
	for _, email := range []string{p.email, "nobody@example.org"} {
		refused := page.Submit(`[name="password"]`, webclient.Fields{"email": email, "password": "not the password"})
		refused.Says(http.StatusUnprocessableEntity, "E-mail address")
		if words := refused.Words("main"); strings.Contains(words, "no account") {
			t.Errorf("the page tells whether %s has an account: %s", email, words)
		}
	}
	if page := stranger.Visit(site.Portal + "/networks"); page.Address.Host == address(t, site.Portal).Host {
		t.Errorf("a stranger reaches %s", page.Address)
	}
}

func TestSignOutEndsBothSessions(t *testing.T) {
	p := newcomer(t)
	page := p.visit("/account")
	before := cookieOf(t, p, site.Portal)
	page.Submit(`form[action="/auth/sign-out"] button`, nil)

	page = p.visit("/networks")
	page.Says(http.StatusOK, "Sign in")
	if page.Find(`[name="password"]`).Length() == 0 {
		t.Fatalf("signing in again asks for no password: the identity provider's session lives on at %s:\n%s", page.Address, page.Words("main"))
	}
	replay := webclient.New(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.Portal+"/networks", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(before)
	if page := replay.Do(request); page.Address.Path == "/networks" {
		t.Fatal("a cookie from before the sign-out still opens the portal")
	}
}

func TestAFormFromAnotherSiteChangesNothing(t *testing.T) {
	p := newcomer(t)
	for _, path := range []string{"/passwords", "/networks", "/auth/sign-out", "/handle", "/account/sign-out-everywhere"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site.Portal+path,
			strings.NewReader(url.Values{"name": {"stolen"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "https://evil.example")
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		if page := p.browser.Do(request); page.Status != http.StatusForbidden {
			t.Errorf("POST %s from another site answers %d", path, page.Status)
		}
	}
	p.visit("/passwords").Says(http.StatusOK, "No passwords yet")
}

func TestSigningInLeadsToNoOtherSite(t *testing.T) {
	for _, target := range []string{"https://evil.example/", "//evil.example/", `/\evil.example/`, "/%0d%0aLocation:%20https://evil.example"} {
		p := visitor(t)
		page := p.browser.Visit(site.Portal + "/auth/sign-in?return=" + url.QueryEscape(target) + "&next=" + url.QueryEscape(target))
		page = page.Follow("Create one").Submit(`[name="password"]`, webclient.Fields{"email": p.email, "password": password})
		if got, want := page.Address.Host, address(t, site.Portal).Host; got != want {
			t.Errorf("return to %q leads to %s", target, page.Address)
		}
	}
}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// cookieOf is the session cookie a person's browser holds for a site.
func cookieOf(t *testing.T, p *person, address string) *http.Cookie {
	t.Helper()
	for _, cookie := range p.browser.Cookies(address) {
		if strings.Contains(cookie.Name, "session") {
			return cookie
		}
	}
	t.Fatalf("no session cookie for %s", address)
	return nil
}

// Who has lost a laptop presses it in another browser. The laptop is still signed in at the identity provider.
func TestSignOutEverywhereHoldsOnTheOtherBrowser(t *testing.T) {
	p := newcomer(t)
	laptop := *p
	laptop.browser = webclient.New(t)
	page := laptop.visit("/auth/sign-in").Submit(`[name="password"]`, webclient.Fields{"email": p.email, "password": password})
	page.Says(http.StatusOK, "Dashboard")
	token := laptop.accessToken()
	live := bearer(t, token)
	live.Expect("001", "")
	p.visit("/account").Submit(`form[action="/account/sign-out-everywhere"] button`, nil)

	for _, who := range []*person{&laptop, p} {
		page := who.visit("/networks").Says(http.StatusOK, "Sign in")
		if page.Find(`[name="password"]`).Length() == 0 {
			t.Fatalf("back in without a password at %s:\n%s", page.Address, page.Words("main"))
		}
	}
	live.Closed()
	for name, token := range map[string]string{"the token": token, "a new one": laptop.accessToken()} {
		got := bearer(t, token).Await(func(m ircmsg.Message) bool { return m.Command == "001" || m.Command == "904" })
		if got.Command == "001" {
			t.Errorf("%s of the lost browser signs in", name)
		}
	}
	page = laptop.visit("/networks").Submit(`[name="password"]`, webclient.Fields{"email": p.email, "password": password})
	page.Says(http.StatusOK, "Networks")
	bearer(t, laptop.accessToken()).Expect("001", "")
}

func TestBothOfTwoTabsSignIn(t *testing.T) {
	p := newcomer(t)
	b := webclient.New(t)
	first, second := b.Visit(site.Portal+"/passwords"), b.Visit(site.Portal+"/account")
	fields := webclient.Fields{"email": p.email, "password": password}
	first.Submit(`[name="password"]`, fields).Says(http.StatusOK, "Connection passwords")
	second.Submit(`[name="password"]`, fields).Says(http.StatusOK, "Account")
	b.Visit(site.Portal+"/account").Submit(`form[action="/auth/sign-out"] button`, nil)
	if again := b.Visit(site.Portal + "/networks"); again.Find(`[name="password"]`).Length() == 0 {
		t.Errorf("signed in again without a password at %s", again.Address)
	}
}
