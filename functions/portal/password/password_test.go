package password_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
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

// finished are all guides of the page that shows a new password, by id.
func finished(page *portaltest.Page) map[string]string {
	guides := map[string]string{}
	page.Find("details[name=client]").Each(func(_ int, guide *goquery.Selection) { guides[guide.AttrOr("id", "")] = guide.Text() })
	return guides
}

func TestThePageThatShowsAPasswordHasTheLinesThatNeedIt(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	p.Post("/networks", portaltest.But("channels", "")...)
	page := p.Post("/passwords", "name", "Laptop", "client", "irssi").Status(http.StatusOK)
	secret := page.Find(".copy input").AttrOr("value", "none")
	guides := finished(page)
	if len(guides) != 9 {
		t.Errorf("%d guides", len(guides))
	}
	for id, text := range guides {
		if id == "other" {
			portaltest.Wants(t, text, "ada/libera", "irc.localhost", "6667")
			continue
		}
		portaltest.Wants(t, text, secret, "#libera")
	}
	if open := page.Find("details[open]"); open.Length() != 1 || open.AttrOr("id", "") != "irssi" {
		t.Errorf("%d guides are open: %s", open.Length(), open.AttrOr("id", ""))
	}
	if n := page.Find(".snippet [data-copy]").Length(); n != page.Find(".snippet").Length() || n < 3 {
		t.Errorf("%d snippets can be copied", n)
	}
	page.Says("Waiting for your client", "Nothing happens?", "/join #libera")
	page = p.Post("/passwords", "name", "Toaster", "client", "toaster")
	if open := page.Find("details[open]"); open.Length() != 0 {
		t.Errorf("for a client without a guide %q is open", open.AttrOr("id", ""))
	}
}

func TestTheLinesAreForTheNetworkThatWasChosen(t *testing.T) {
	g := portaltest.Start(t)
	for id, name := range []string{"libera", "oftc", "no such/name"} {
		g.Bouncer.Give("ada", bouncer.Upstream{ID: int64(id + 1), Name: name, Host: "irc.oftc.net", Channels: []string{"#one"}})
	}
	p := g.User(t, "ada")
	form := p.Get("/passwords?client=weechat&network=oftc")
	if form.Find("#client option[selected]").AttrOr("value", "") != "weechat" || form.Find("#network option[selected]").AttrOr("value", "") != "oftc" {
		t.Errorf("chosen are %s", form.Texts("option[selected]"))
	}
	if options := form.Texts("#network option"); options != "libera oftc" {
		t.Errorf("one can choose %q", options)
	}
	page := p.Post("/passwords", "name", "x", "client", "weechat", "network", "oftc")
	portaltest.Wants(t, finished(page)["weechat"], "ada/oftc@weechat", "Your bouncer is in #one already")
	page = p.Post("/passwords", "name", "x", "client", "weechat", "network", "no such/name")
	portaltest.Wants(t, finished(page)["weechat"], "ada/libera@weechat")
	refused := p.Post("/passwords", "name", "", "client", "senpai", "network", "oftc").Status(http.StatusUnprocessableEntity)
	if refused.Find("#client option[selected]").AttrOr("value", "") != "senpai" || refused.Find("#network option[selected]").AttrOr("value", "") != "oftc" {
		t.Error("what was chosen is gone")
	}
}

func TestThePageTellsWhenTheClientIsIn(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Post("/networks", portaltest.But("channels", "")...)
	page := p.Post("/passwords", "name", "Laptop")
	secret := page.Find(".copy input").AttrOr("value", "")
	live := page.Find("[data-live]").AttrOr("data-live", "")
	state := func() string { return p.Get(live).Status(http.StatusOK).Find(`[data-live-id="client"]`).Text() }
	portaltest.Wants(t, state(), "Waiting for your client")

	if _, err := account.NewStore(g.Pool).VerifyPassword(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	portaltest.Wants(t, state(), "Waiting for your client") // its password was looked at; it may yet be turned away
	g.Execute(t, `UPDATE connection_password SET last_used_at = last_used_at - interval '20 seconds'`)
	portaltest.Wants(t, state(), "Not let in", "ada/libera")
	g.Bouncer.With(func() { g.Bouncer.Seen["ada"] = time.Now() })
	portaltest.Wants(t, state(), "You are in", "/join #libera")

	g.User(t, "eve").Get(live).Status(http.StatusNotFound)
	g.Bouncer.With(func() { g.Bouncer.Away = true })
	portaltest.Wants(t, state(), "You are in") // nobody can tell, and the password was used
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

func TestAFormThatIsSentTwiceMakesOnePassword(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	form := p.Get("/passwords").Value("form")
	const tries = 4
	secrets := make(chan string, tries)
	var sending sync.WaitGroup
	for range tries {
		sending.Go(func() {
			page := p.Post("/passwords", "form", form, "name", "Laptop")
			secret, _ := page.Find(".copy input").Attr("value")
			secrets <- secret // empty where the page was shown to another one first
		})
	}
	sending.Wait()
	close(secrets)
	seen := map[string]bool{}
	for secret := range secrets {
		seen[secret] = true
	}
	delete(seen, "")
	if rows := p.Get("/passwords").Find("tbody tr").Length(); rows != 1 || len(seen) != 1 {
		t.Fatalf("%d passwords live, %d were shown", rows, len(seen))
	}
	for secret := range seen {
		if _, err := account.NewStore(g.Pool).VerifyPassword(t.Context(), secret); err != nil {
			t.Error(err)
		}
	}
	// Back to the form, and another name: another password.
	p.Post("/passwords", "form", form, "name", "Phone").Says("Your new password")
	// A minute later it is another wish, whatever the form.
	g.Execute(t, `UPDATE connection_password SET created_at = created_at - interval '61 seconds'`)
	p.Post("/passwords", "form", form, "name", "Laptop").Says("Your new password")
	if rows := p.Get("/passwords").Find("tbody tr").Length(); rows != 3 {
		t.Errorf("%d passwords live", rows)
	}
	// The same form of somebody else is theirs.
	g.User(t, "eve").Post("/passwords", "form", form, "name", "Laptop").Says("Your new password")
	if rows := p.Get("/passwords").Find("tbody tr").Length(); rows != 3 {
		t.Errorf("%d passwords live", rows)
	}
}

func TestRevokedPasswordIsGone(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	page := p.Post("/passwords", "name", "Old phone")
	secret, _ := page.Find(".copy input").Attr("value")
	accounts := account.NewStore(g.Pool)
	if _, err := accounts.VerifyPassword(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	link, _ := p.Get("/passwords").Find(`a[href$="/revoke"]`).Attr("href")
	p.Get(link).Status(http.StatusOK).Says("Old phone", "all of them are disconnected within a minute")
	p.Post(link).Status(http.StatusOK).Says("no longer works", "All your clients are disconnected within a minute")
	p.Get(link).Status(http.StatusOK).Says("revoked already")
	p.Post(link).Status(http.StatusOK).Says("no longer works")

	if _, err := accounts.VerifyPassword(t.Context(), secret); err == nil {
		t.Error("a revoked password still works")
	}
}

// A password that opened no connection closes none, which the pages say.
func TestRevokingAnUnusedPasswordDisconnectsNobody(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	p.Post("/passwords", "name", "Never mind")
	link, _ := p.Get("/passwords").Find(`a[href$="/revoke"]`).Attr("href")
	p.Get(link).Status(http.StatusOK).Says("No client has used it, so none is disconnected").SaysNot("within a minute")
	p.Post(link).Status(http.StatusOK).Says("no longer works", "none is disconnected").SaysNot("within a minute")
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
