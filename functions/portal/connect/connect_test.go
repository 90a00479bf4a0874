package connect_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
)

func TestHowToConnectHoldsTheUsersValues(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Get("/connect").Says("First, a network")
	p.Post("/networks", portaltest.Libera...)
	p.Get("/connect").Says("First, a password")
	secret, _ := p.Post("/passwords", "name", "Laptop").Find(".copy input").Attr("value")
	page := p.Get("/connect").Status(http.StatusOK).Says("irc.localhost", "6667", "ada/libera", "irssi", "WeeChat", "HexChat", "Halloy", "Goguma").SaysNot(secret)
	if n := page.Find(".snippet").Length(); n < 3 {
		t.Errorf("%d snippets are there", n)
	}
	p.Get("/connect?network=%22%3E%3Cscript%3E").Status(http.StatusOK).Says("ada/libera").SaysNot("<script>")
}

// Whoever comes with a password in the clipboard would lose it to lines that lack it.
func TestWhatLacksThePasswordIsNotCopied(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	p.Post("/networks", portaltest.Libera...)
	p.Get("/connect").Find(".snippet").Each(func(_ int, snippet *goquery.Selection) {
		if text := snippet.Find("code").Text(); snippet.Find("[data-copy]").Length() > 0 {
			t.Errorf("a button copies %q", text)
		}
	})
}

func TestAGuideMakesItsPasswordItself(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	p.Post("/networks", portaltest.Libera...)
	form := p.Get("/connect").Find("section[aria-labelledby=weechat] form")
	var fields []string
	form.Find("input").Each(func(_ int, input *goquery.Selection) {
		fields = append(fields, input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	page := p.Post(form.AttrOr("action", ""), fields...).Status(http.StatusOK).Says("“WeeChat” works from now on")
	secret := page.Find(".copy input").AttrOr("value", "none")
	open := page.Find("details[open]")
	if open.AttrOr("id", "") != "weechat" || open.Length() != 1 {
		t.Errorf("%d guides are open: %s", open.Length(), open.AttrOr("id", ""))
	}
	portaltest.Wants(t, open.Find("code").Text(), "/secure set ircnow "+secret+"\n", "ada/libera@weechat")
}

func TestItIsSaidWhetherTheNewestPasswordsClientIsThere(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	secret := p.Post("/passwords", "name", "Laptop").Find(".copy input").AttrOr("value", "")
	p.Get("/connect").Says("Waiting for your client", "Nothing happens?").Has("/networks")
	if _, err := account.NewStore(g.Pool).VerifyPassword(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	g.Bouncer.With(func() { g.Bouncer.Seen["ada"] = time.Now() })
	p.Get("/connect").Says("You are in", "“Laptop” signed in")
}
