package identity_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/identity"
)

func TestSignInTellsNobodyWhichAccountsExist(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	w.browser().signUp(f, "ada@example.org")
	b := w.browser()
	answers := map[string]bool{}
	for _, email := range []string{"ada@example.org", "nobody@example.org", "no address at all"} {
		page := b.submit(b.get(f.url()), "email", email, "password", "not the password")
		if page.status != http.StatusUnprocessableEntity || page.document.Find("input[name=email]").AttrOr("value", "") != email {
			t.Fatalf("%s: %d, e-mail %q came back", email, page.status, page.document.Find("input[name=email]").AttrOr("value", ""))
		}
		if strings.Contains(page.text, "not the password") {
			t.Fatal("the password came back")
		}
		answers[page.document.Find(".alert").Text()] = true
	}
	if len(answers) != 1 || answers[""] {
		t.Fatalf("answers differ: %v", answers)
	}
}

func TestSignUpSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	w.browser().signUp(f, "ada@example.org")
	b := w.browser()
	for _, try := range []struct{ email, password, want string }{
		{"ADA@example.org", password, "already"},
		{"no address", password, "e-mail address"},
		{"a@b.c\r\nBcc: x", password, "e-mail address"},
		{strings.Repeat("a", 300) + "@example.org", password, "e-mail address"},
		{"eve@example.org", "short", "at least 10"},
		{"eve@example.org", strings.Repeat("p", 129), "at most 128"},
	} {
		page := b.submit(b.get(f.url("prompt", "create")), "email", try.email, "password", try.password)
		if page.status != http.StatusUnprocessableEntity || !strings.Contains(page.document.Find(".field-error").Text(), try.want) {
			t.Errorf("%+v: %d %q", try, page.status, page.document.Find("main").Text())
		}
	}
}

func TestGuessingIsSlowedDownPerAccountAndPerAddress(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	w.browser().signUp(f, "ada@example.org")
	b := w.browser()
	form := b.get(f.url())
	try := func(email, password string) int {
		return b.submit(form, "email", email, "password", password).status
	}
	for range 10 {
		try("ada@example.org", "wrong password")
	}
	if status := try("ada@example.org", password); status != http.StatusTooManyRequests {
		t.Fatalf("the eleventh try was answered %d", status)
	}
	w.pass(30 * time.Second)
	if status := try("ada@example.org", password); status != http.StatusFound {
		t.Fatalf("after a wait: %d", status)
	}
	limited := false
	for i := range 70 {
		limited = limited || try(strings.Repeat("x", i+1)+"@example.org", "wrong password") == http.StatusTooManyRequests
	}
	if !limited {
		t.Fatal("one address may try any number of accounts")
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, path := range []string{"/sign-in", "/sign-up", "/sign-out", "/allow"} {
		if page := b.post(path, url.Values{"email": {"a@b.c"}}, "Sec-Fetch-Site", "cross-site"); page.status != http.StatusForbidden {
			t.Errorf("%s answered %d to another site", path, page.status)
		}
	}
}

func TestHostileFormsAreRefusedCalmly(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for name, form := range map[string]url.Values{
		"NUL":                         {"email": {"a\x00@b.c"}, "password": {password}},
		"no UTF-8":                    {"email": {"a\xff@b.c"}, "password": {password}},
		"too large":                   {"email": {strings.Repeat("a", 1<<20)}},
		"a request that is not there": {"request": {"nope"}, "email": {"a@b.c"}, "password": {password}},
		"too long, cut in a letter":   {"email": {strings.Repeat("a", 253) + "é@b.c"}, "password": {password}},
	} {
		for _, path := range []string{"/sign-in", "/sign-up"} {
			if page := b.post(path, form); page.status < 400 || page.status >= 500 {
				t.Errorf("%s on %s: %d", name, path, page.status)
			}
		}
	}
	for _, address := range []string{"/sign-in?request=%00", "/sign-up?request=%ff", "/allow?request=a%00"} {
		if page := b.get(w.server.URL + address); page.status < 400 || page.status >= 500 {
			t.Errorf("%s: %d", address, page.status)
		}
	}
}

func TestKeysAndTokensOutliveARestart(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	b := w.browser()
	got := f.exchange(b.signUp(f, "ada@example.org"))
	w.start()
	if !w.active(got.Access) || f.refresh(got.Refresh).status != http.StatusOK {
		t.Fatal("tokens are gone after a restart")
	}
	query := url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {portalURL + "/"}}
	if out := b.get(w.server.URL + "/end_session?" + query.Encode()); out.url.Host != "portal.test" {
		t.Fatalf("an ID token from before is not known: %s", out.text)
	}
}

func TestAnotherSealingKeyEndsTokensButNotAccounts(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	got := f.exchange(w.browser().signUp(f, "ada@example.org"))
	w.config.Key = [32]byte{2}
	w.start()
	if w.active(got.Access) {
		t.Fatal("a token sealed with another key is active")
	}
	b := w.browser()
	b.codeAt(b.submit(b.get(f.url()), "email", "ada@example.org", "password", password), f)
}

func TestIntrospectionNeverSaysInactiveWhenItCannotKnow(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	got := f.exchange(w.browser().signUp(f, "ada@example.org"))
	w.provider.Close() // with its database pool
	status := w.call("/oauth/introspect", "introspect", "introspect secret", url.Values{"token": {got.Access}}, new(any))
	if status != http.StatusServiceUnavailable {
		t.Fatalf("answered %d without a database", status)
	}
}

func TestIntrospectionAnswersItsClientsOnly(t *testing.T) {
	w := newWorld(t)
	b, portal, irc := w.browser(), w.portalFlow(), w.ircFlow()
	b.signUp(portal, "ada@example.org")
	chat := irc.exchange(b.codeAt(b.submit(b.get(irc.url()), "answer", "allow"), irc))
	form := url.Values{"token": {chat.Access}}
	for _, secret := range []string{"", "wrong", "%zz"} {
		if status := w.call("/oauth/introspect", "introspect", secret, form, new(any)); status != http.StatusUnauthorized {
			t.Errorf("secret %q: %d", secret, status)
		}
	}
	var answer map[string]any
	if status := w.call("/oauth/introspect", "portal", "portal secret", form, &answer); status != http.StatusOK || answer["active"] == true {
		t.Fatalf("the portal may look at the IRC client's token: %d %v", status, answer)
	}
}

func TestConfigReportsEverythingAtOnce(t *testing.T) {
	err := identity.Config{Issuer: "auth", Clients: []identity.Client{{ID: "x"}}}.Validate()
	for _, want := range []string{"issuer", "sealing key", "log", `client "x"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
