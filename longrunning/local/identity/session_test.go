package identity_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"irc.now/longrunning/local/storetest"
	"irc.now/shared/store"
)

func (b *browser) mark() string {
	address, err := url.Parse(b.server.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(address) {
		if cookie.Name == "identity-browser" {
			return cookie.Value
		}
	}
	b.t.Fatal("the browser has no mark")
	return ""
}

// signOut is what an application does with the ID token that it got.
func (b *browser) signOut(idToken string) page {
	b.t.Helper()
	query := url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {portalURL + "/"}}
	return b.get(b.server.URL + "/end_session?" + query.Encode())
}

func (b *browser) wantsPassword(f flow) {
	b.t.Helper()
	if page := b.get(f.url()); page.document.Find("input[type=password]").Length() != 1 {
		b.t.Errorf("signed in without a password: %s", page.url)
	}
}

// Somebody signs in from two tabs, each with its form, and signs out in one.
func TestSigningOutEndsWhatTwoTabsBegan(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	w.browser().signUp(f, "ada@example.org")
	for _, last := range []bool{true, false} { // whose ID token the application has kept
		b := w.browser()
		first, second := b.get(f.url()), b.get(f.url())
		one := f.exchange(b.codeAt(b.submit(first, "email", "ada@example.org", "password", password), f))
		two := f.exchange(b.codeAt(b.submit(second, "email", "ada@example.org", "password", password), f))
		if one.ID == "" || two.ID == "" {
			t.Fatalf("%+v %+v", one, two)
		}
		kept := one
		if last {
			kept = two
		}
		if out := b.signOut(kept.ID); out.url.String() != portalURL+"/" {
			t.Fatalf("sent to %s", out.url)
		}
		b.wantsPassword(f)
		if w.active(one.Access) || w.active(two.Access) {
			t.Error("a token outlived the sign-out")
		}
	}
}

// The application may have kept the token of a session that this browser has had before.
func TestSigningOutEndsTheSessionOfTheBrowserToo(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	old := f.exchange(b.signUp(f, "ada@example.org"))
	again := w.browser()
	again.codeAt(again.submit(again.get(f.url()), "email", "ada@example.org", "password", password), f)
	again.signOut(old.ID)
	again.wantsPassword(f)

	eve := w.browser()
	eves := f.exchange(eve.signUp(f, "eve@example.org"))
	eve.signOut(old.ID)
	if !w.active(eves.Access) {
		t.Error("somebody else's ID token signs out who sits at the browser")
	}
}

func TestATokenStaysAsOldAsTheSignInItCameFrom(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	got := f.exchange(b.signUp(f, "ada@example.org"))
	began := w.config.Now()
	w.pass(10 * time.Minute)
	b.codeAt(b.submit(b.get(f.url("prompt", "login")), "email", "ada@example.org", "password", password), f)
	got = f.refresh(got.Refresh)
	var answer struct {
		AuthTime int64 `json:"auth_time"`
	}
	w.call("/oauth/introspect", "introspect", "introspect secret", url.Values{"token": {got.Access}}, &answer)
	if answer.AuthTime != began.Unix() {
		t.Errorf("the token says %s, and its sign-in was %s", time.Unix(answer.AuthTime, 0), began)
	}
}

func TestWhatWasPlantedBeforeASignInIsWorthlessAfterIt(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	attacker, victim := w.browser(), w.browser()
	w.browser().signUp(f, "ada@example.org")
	attackers := attacker.get(f.url())
	planted := attacker.mark()
	address, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	victim.client.Jar.SetCookies(address, []*http.Cookie{{Name: "identity-browser", Value: planted, Path: "/"}})
	tab := victim.get(f.url())
	victim.codeAt(victim.submit(victim.get(f.url()), "email", "ada@example.org", "password", password), f)
	if victim.mark() == planted {
		t.Error("the browser keeps the mark that was planted")
	}
	for _, begun := range []page{attackers, tab} {
		if got := attacker.get(begun.url.String()); got.status != http.StatusConflict {
			t.Errorf("the attacker goes on with what the victim's browser began: %d %s", got.status, got.url)
		}
	}
	victim.codeAt(victim.get(tab.url.String()), f) // the other tab goes on
}

// Somebody presses the button twice: the browser shows the answer to the second form, which was sent with the same cookies.
func TestAFormThatIsSentTwiceSignsIn(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	w.browser().signUp(f, "ada@example.org")
	b, twin := w.browser(), w.browser()
	form := b.get(f.url())
	address, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	twin.client.Jar.SetCookies(address, b.client.Jar.Cookies(address))
	first := b.codeAt(b.submit(form, "email", "ada@example.org", "password", password), f)
	second := twin.codeAt(twin.submit(form, "email", "ada@example.org", "password", password), f)
	if got := f.exchange(first); got.Error != "invalid_grant" {
		t.Errorf("both codes of one sign-in work: %+v", got)
	}
	if got := f.exchange(second); got.status != http.StatusOK || !w.active(got.Access) {
		t.Errorf("the code that the browser is given does not work: %+v", got)
	}
}

func TestAnotherPasswordEndsTheSessionsOfTheOldOne(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	got := f.exchange(b.signUp(f, "ada@example.org"))
	if err := w.provider.EnsureUser(t.Context(), "ada@example.org", password); err != nil || !w.active(got.Access) {
		t.Fatalf("the same password ended a session (%v)", err)
	}
	if err := w.provider.EnsureUser(t.Context(), "ada@example.org", "another password"); err != nil {
		t.Fatal(err)
	}
	if w.active(got.Access) {
		t.Error("a token outlived the password")
	}
	b.wantsPassword(f)
}

func TestWhatIsAskedForElsewhereIsRefused(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	for name, want := range map[string]string{
		"request_uri": "request_uri_not_supported", "request": "request_not_supported", "registration": "registration_not_supported",
	} {
		for _, value := range []string{"https://evil.test/request.jwt", ""} {
			page := b.get(f.url(name, value))
			if got := page.url.Query(); page.url.Host != "portal.test" || got.Get("error") != want || got.Get("state") != "st" {
				t.Errorf("%s=%s: %d %s", name, value, page.status, page.url)
			}
		}
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(b.get(w.server.URL+"/.well-known/openid-configuration").text), &document); err != nil {
		t.Fatal(err)
	}
	if supported, said := document["request_uri_parameter_supported"]; !said || supported != false {
		t.Error("the discovery document promises request_uri") // which it does by saying nothing
	}
}

// A page's policy cannot name an IPv6 address, so that browsers follow no redirect there that answers a form.
func TestAProgramThatListensOnIPv6IsReached(t *testing.T) {
	w := newWorld(t)
	w.config.Clients[2].Redirects = append(w.config.Clients[2].Redirects, "http://[::1]/callback")
	w.start()
	b, irc := w.browser(), w.ircFlow()
	b.signUp(w.portalFlow(), "ada@example.org")
	irc.redirect = "http://[::1]:51234/callback"
	for answer, want := range map[string]string{"allow": "code", "refuse": "error"} {
		page := b.submit(b.get(irc.url()), "answer", answer)
		link := page.document.Find("main a").AttrOr("href", "")
		target, err := url.Parse(link)
		if err != nil || page.status != http.StatusOK || target.Host != "[::1]:51234" || target.Query().Get(want) == "" || target.Query().Get("state") != "st" {
			t.Fatalf("%s: %d, leads to %q", answer, page.status, link)
		}
		if page.header.Get("Refresh") != "0; url="+link || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", answer, page.header)
		}
		if answer == "allow" && irc.exchange(target.Query().Get("code")).status != http.StatusOK {
			t.Error("the code does not work")
		}
	}
}

// away takes the database from the running provider.
func (w *world) away() {
	w.t.Helper()
	pool, err := store.Open(w.t.Context(), storetest.Server(w.t).URL("postgres"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer pool.Close()
	name := storetest.Database(w.config.DatabaseURL.Reveal())
	for _, sql := range []string{`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`} {
		if _, err := pool.Exec(w.t.Context(), sql); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Who comes while the database is away is asked to come again, and no alarm goes off.
func TestADatabaseThatIsAwayIsSaidToBeAway(t *testing.T) {
	w := newWorld(t)
	b, f := w.browser(), w.portalFlow()
	code := b.signUp(f, "ada@example.org")
	got := f.exchange(b.codeAt(b.get(f.url()), f))
	form := b.get(f.url("prompt", "login"))
	userInfo := func(token string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		return b.do(request).status
	}
	if good, bad := userInfo(got.Access), userInfo(got.Access[1:]); good != http.StatusOK || bad < 400 || bad >= 500 {
		t.Errorf("user info is answered %d, and %d to no token", good, bad)
	}
	w.away()
	for name, page := range map[string]page{
		"home": b.get(w.server.URL + "/"), "sign-out": b.get(w.server.URL + "/sign-out"), "signing out": b.post("/sign-out", nil),
		"the form": b.get(form.url.String()), "allow": b.get(w.server.URL + "/allow?request=x"),
		"sign-in": b.submit(form, "email", "ada@example.org", "password", password),
		"sign-up": b.post("/sign-up", url.Values{"email": {"eve@example.org"}, "password": {password}}),
	} {
		if page.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", name, page.status, page.document.Find("main").Text())
		}
	}
	if begun := b.get(f.url()); begun.url.Query().Get("error") != "temporarily_unavailable" {
		t.Errorf("an application is told %s", begun.url)
	}
	for name, got := range map[string]tokens{"a code": f.exchange(code), "a refresh token": f.refresh("x")} {
		if got.Error != "temporarily_unavailable" || got.status != http.StatusServiceUnavailable {
			t.Errorf("%s is answered with %+v", name, got)
		}
	}
	if status := userInfo(got.Access); status != http.StatusServiceUnavailable {
		t.Errorf("user info is answered %d", status)
	}
	if status := w.call("/revoke", f.client, f.secret, url.Values{"token": {got.Refresh}}, new(any)); status != http.StatusServiceUnavailable {
		t.Errorf("revoking is answered %d", status)
	}
}
