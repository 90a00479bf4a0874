package identity_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

func TestSignUpGivesTokensThatAnIndependentLibraryAccepts(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	got := f.exchange(w.browser().signUp(f, "Ada@Example.org"))
	provider, err := oidc.NewProvider(t.Context(), w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: "portal"}).Verify(t.Context(), got.ID)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Email   string `json:"email"`
		Session string `json:"sid"`
	}
	if err := verified.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.Email != "ada@example.org" || claims.Session == "" || verified.Nonce != "no" || !w.active(got.Access) {
		t.Fatalf("%+v, active %v", claims, w.active(got.Access))
	}
}

func TestASecondSignInNeedsNoPasswordUnlessItIsAskedFor(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	b.signUp(f, "ada@example.org")
	b.codeAt(b.get(f.url()), f)
	b.codeAt(b.get(f.url("prompt", "none")), f)
	if asked := b.get(f.url("prompt", "login")); asked.document.Find("input[type=password]").Length() != 1 {
		t.Fatalf("prompt=login did not ask: %s", asked.url)
	}
	w.pass(time.Hour)
	if asked := b.get(f.url("max_age", "60")); asked.document.Find("input[type=password]").Length() != 1 {
		t.Fatalf("max_age did not ask: %s", asked.url)
	}
	if refused := w.browser().get(f.url("prompt", "none")); refused.url.Query().Get("error") != "login_required" {
		t.Fatalf("prompt=none without a session gave %s", refused.url)
	}
}

func TestASignInBelongsToTheBrowserThatBeganIt(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	attacker, victim := w.browser(), w.browser()
	started := attacker.get(f.url())
	if page := victim.get(started.url.String()); page.status != http.StatusConflict {
		t.Fatalf("another browser was shown the sign-in: %d", page.status)
	}
}

func TestACodeWorksOnceAndTakesItsTokensBackWhenShownAgain(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	code := w.browser().signUp(f, "ada@example.org")
	first := f.exchange(code)
	if first.status != http.StatusOK || !w.active(first.Access) {
		t.Fatalf("%+v", first)
	}
	if second := f.exchange(code); second.Error != "invalid_grant" {
		t.Fatalf("a code worked twice: %+v", second)
	}
	if w.active(first.Access) || f.refresh(first.Refresh).status == http.StatusOK {
		t.Fatal("tokens of a code that leaked are still good")
	}
}

func TestACodeNeedsItsVerifierItsClientAndItsTime(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	code := b.signUp(f, "ada@example.org")
	for name, other := range map[string]flow{
		"another verifier": {w, f.client, f.secret, f.redirect, strings.Repeat("a", 43), f.scope},
		"no verifier":      {w, f.client, f.secret, f.redirect, "", f.scope},
		"another secret":   {w, f.client, "wrong", f.redirect, f.verifier, f.scope},
		"another client":   {w, "irc", "", f.redirect, f.verifier, f.scope},
		"another redirect": {w, f.client, f.secret, portalURL, f.verifier, f.scope},
	} {
		if got := other.exchange(code); got.status == http.StatusOK {
			t.Errorf("%s was accepted", name)
		}
	}
	w.pass(11 * time.Minute)
	if late := f.exchange(code); late.Error != "invalid_grant" {
		t.Errorf("a code was good for ever: %+v", late)
	}
}

func TestARefreshTokenWorksOnceAndEndsItsGrantWhenShownAgain(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	first := f.exchange(w.browser().signUp(f, "ada@example.org"))
	second := f.refresh(first.Refresh)
	if second.status != http.StatusOK || second.Refresh == first.Refresh || !w.active(second.Access) {
		t.Fatalf("%+v", second)
	}
	if stolen := f.refresh(first.Refresh); stolen.Error != "invalid_grant" {
		t.Fatalf("a refresh token worked twice: %+v", stolen)
	}
	if w.active(second.Access) || f.refresh(second.Refresh).status == http.StatusOK {
		t.Fatal("the grant outlived a stolen refresh token")
	}
}

func TestAnAccessTokenExpires(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	got := f.exchange(w.browser().signUp(f, "ada@example.org"))
	w.pass(61 * time.Minute)
	if w.active(got.Access) {
		t.Fatal("an access token is active after its hour")
	}
	if again := f.refresh(got.Refresh); again.status != http.StatusOK || !w.active(again.Access) {
		t.Fatalf("refresh after expiry: %+v", again)
	}
}

func TestSignOutByAnApplicationEndsEveryTokenOfTheSession(t *testing.T) {
	w := newWorld(t)
	b, portal, irc := w.browser(), w.portalFlow(), w.ircFlow()
	mine := portal.exchange(b.signUp(portal, "ada@example.org"))
	chat := irc.exchange(b.codeAt(b.submit(b.get(irc.url()), "answer", "allow"), irc))
	elsewhere := w.browser()
	other := portal.exchange(elsewhere.codeAt(elsewhere.submit(elsewhere.get(portal.url()), "email", "ada@example.org", "password", password), portal))
	if !w.active(mine.Access) || !w.active(chat.Access) || !w.active(other.Access) {
		t.Fatal("tokens are not active to begin with")
	}
	query := url.Values{"id_token_hint": {mine.ID}, "post_logout_redirect_uri": {portalURL + "/"}}
	if out := b.get(w.server.URL + "/end_session?" + query.Encode()); out.url.String() != portalURL+"/" {
		t.Fatalf("sent to %s", out.url)
	}
	if w.active(mine.Access) || w.active(chat.Access) || irc.refresh(chat.Refresh).status == http.StatusOK {
		t.Fatal("a token outlived its session")
	}
	if !w.active(other.Access) {
		t.Fatal("signing out here signed out another browser")
	}
	if again := b.get(portal.url()); again.document.Find("input[type=password]").Length() != 1 {
		t.Fatal("signed in again without a password")
	}
}

func TestALinkAloneSignsNobodyOut(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	got := f.exchange(b.signUp(f, "ada@example.org"))
	for _, query := range []string{"", "?client_id=portal", "?id_token_hint=nonsense", "?id_token_hint=" + got.ID + "&post_logout_redirect_uri=http://evil.test/"} {
		if page := b.get(w.server.URL + "/end_session" + query); page.url.Host == "evil.test" || !w.active(got.Access) {
			t.Fatalf("%q: sent to %s, active %v", query, page.url, w.active(got.Access))
		}
	}
	asked := b.get(w.server.URL + "/end_session")
	if b.submit(asked); w.active(got.Access) {
		t.Fatal("the sign-out form did not end the session")
	}
}

func TestRevocationEndsTokensOfTheClientThatAsks(t *testing.T) {
	w := newWorld(t)
	b, portal, irc := w.browser(), w.portalFlow(), w.ircFlow()
	mine := portal.exchange(b.signUp(portal, "ada@example.org"))
	chat := irc.exchange(b.codeAt(b.submit(b.get(irc.url()), "answer", "allow"), irc))
	revoke := func(f flow, token string) int {
		form := url.Values{"token": {token}}
		if f.secret == "" {
			form.Set("client_id", f.client)
		}
		return w.call("/revoke", f.client, f.secret, form, new(any))
	}
	if status := revoke(irc, mine.Access); status != http.StatusOK || !w.active(mine.Access) {
		t.Fatalf("one client revoked another's token (%d)", status)
	}
	if status := revoke(irc, chat.Refresh); status != http.StatusOK || w.active(chat.Access) {
		t.Fatalf("revoking the refresh token left its access token (%d)", status)
	}
	if status := revoke(portal, mine.Access); status != http.StatusOK || w.active(mine.Access) {
		t.Fatalf("revoking left the access token (%d)", status)
	}
}

func TestANativeClientAsksItsUserFirst(t *testing.T) {
	w := newWorld(t)
	b, irc := w.browser(), w.ircFlow()
	portal := w.portalFlow()
	b.signUp(portal, "ada@example.org")
	asked := b.get(irc.url())
	if asked.url.Path != "/allow" || !strings.Contains(asked.document.Find("main").Text(), "ada@example.org") {
		t.Fatalf("not asked: %s", asked.url)
	}
	if refused := b.submit(asked, "answer", "refuse"); refused.url.Query().Get("error") != "access_denied" {
		t.Fatalf("refusal gave %s", refused.url)
	}
	if silent := b.get(irc.url("prompt", "none")); silent.url.Query().Get("error") != "login_required" {
		t.Fatalf("prompt=none let it in: %s", silent.url)
	}
}

func TestRedirectsAreExact(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	portal, irc := w.portalFlow(), w.ircFlow()
	for _, target := range []string{
		"", portalURL, portalCallback + "/", portalCallback + "?x=1", portalCallback + "#x", "https://portal.test/auth/callback",
		"http://portal.test.evil.test/auth/callback", url.QueryEscape(portalCallback), "javascript:alert(1)",
	} {
		if page := b.get(portal.url("redirect_uri", target)); page.status != http.StatusUnprocessableEntity {
			t.Errorf("portal may redirect to %q: %d %s", target, page.status, page.url)
		}
	}
	for _, target := range []string{
		"http://127.0.0.1:1/other", "http://127.0.0.1:1/callback?x", "http://evil@127.0.0.1:1/callback", "https://127.0.0.1:1/callback",
		"http://127.0.0.2:1/callback", "http://127.0.0.1.evil.test:1/callback", "http://localhost:1/callback", "http://10.0.0.1:1/callback",
	} {
		if page := b.get(irc.url("redirect_uri", target)); page.status != http.StatusUnprocessableEntity {
			t.Errorf("irc may redirect to %q: %d %s", target, page.status, page.url)
		}
	}
}

func TestWeakRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	for name, pairs := range map[string][]string{
		"no PKCE":      {"code_challenge", ""},
		"plain PKCE":   {"code_challenge_method", "plain"},
		"implicit":     {"response_type", "id_token token"},
		"form post":    {"response_mode", "form_post"},
		"no openid":    {"scope", "email"},
		"long state":   {"state", strings.Repeat("s", 3000)},
		"request JWT":  {"request", "e30.e30."},
		"none + login": {"prompt", "none login"},
		"NUL":          {"state", "a\x00"},
		"no UTF-8":     {"login_hint", "a\xff"},
	} {
		page := b.get(f.url(pairs...))
		if page.url.Query().Get("error") == "server_error" {
			t.Errorf("%s is taken for our own fault", name)
		}
		if page.url.Host != "portal.test" || page.url.Query().Get("error")+page.url.Fragment == "" || page.url.Query().Get("code") != "" {
			t.Errorf("%s: %d %s", name, page.status, page.url)
		}
	}
}

func TestBrokenTokenRequestsAreAnsweredPlainly(t *testing.T) {
	w := newWorld(t)
	for name, f := range map[string]flow{"bad escape": {w, "%zz", "%zz", "", "", ""}, "unknown client": {w, "nobody", "x", "", "", ""}} {
		for _, grant := range []string{"authorization_code", "refresh_token", "client_credentials", "password", "", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
			request := url.Values{"grant_type": {grant}, "code": {"x"}, "refresh_token": {"x"}, "assertion": {"x"}}
			if got := f.token(request); got.status < 400 || got.status >= 500 || got.Error == "" {
				t.Errorf("%s, %s: %+v", name, grant, got)
			}
		}
	}
}
