package upstream_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

func TestPickerOffersOursFirstAndFillsTheForm(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	picker := p.Get("/networks/new").Status(http.StatusOK)
	first := picker.Find("main h3").First().Text()
	if first != "irc.now local" {
		t.Errorf("%q is offered first", first)
	}
	picker.Find(`main a[href^="/networks/new?from="]`).Each(func(_ int, link *goquery.Selection) {
		address, _ := link.Attr("href")
		form := p.Get(address).Status(http.StatusOK)
		if !strings.HasSuffix(address, "=custom") && (form.Value("host") == "" || form.Value("port") == "" || form.Value("name") == "") {
			t.Errorf("%s leaves the form empty", address)
		}
		if form.Value("nick") != "ada" {
			t.Errorf("%s suggests the nick %q", address, form.Value("nick"))
		}
	})
	p.Get("/networks/new?from=unheard-of").Says("Well-known networks")
}

func TestEveryOfferedNetworkIsAccepted(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Get("/networks/new").Find(`main a[href^="/networks/new?from="]`).Each(func(_ int, link *goquery.Selection) {
		address, _ := link.Attr("href")
		if strings.HasSuffix(address, "=custom") {
			return
		}
		form := p.Get(address)
		var pairs []string
		form.Find("main form.form input").Each(func(_ int, field *goquery.Selection) {
			name, _ := field.Attr("name")
			value, _ := field.Attr("value")
			kind, _ := field.Attr("type")
			if _, checked := field.Attr("checked"); kind != "checkbox" || checked {
				pairs = append(pairs, name, value)
			}
		})
		if page := p.Post("/networks", pairs...); page.Path() != "/networks" || page.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", address, page.StatusCode, page.Find(".field-error").Text())
		}
		g.Bouncer.With(func() { delete(g.Bouncer.Upstreams, "ada") })
	})
}

func TestNetworkFromFirstToLast(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Post("/networks", portaltest.But("sasl_username", "ada", "sasl_password", "s3cret")...).Status(http.StatusOK).
		Says("libera is added", "Connected", "#linux", "irc.libera.chat:6697").SaysNot("s3cret")
	spec := g.Bouncer.LastSpec(t)
	if spec.SASLPassword.Reveal() != "s3cret" || spec.RealName != "Ada L." || strings.Join(spec.Channels, " ") != "#irc.now #linux" || !spec.TLS {
		t.Errorf("the bouncer was asked for %+v", spec)
	}

	edit := p.Get("/networks/1/edit").Status(http.StatusOK).Says("One is stored").SaysNot("s3cret")
	if edit.Value("channels") != "#irc.now, #linux" || edit.Value("sasl_username") != "ada" || edit.Value("sasl_password") != "" {
		t.Errorf("the form holds %q, %q", edit.Value("channels"), edit.Value("sasl_username"))
	}
	p.Post("/networks/1", portaltest.But("sasl_username", "ada", "nick", "ada2", "name", "libera")...).Status(http.StatusOK).Says("libera is saved", "ada2")
	if spec := g.Bouncer.LastSpec(t); !spec.KeepSASLPassword || spec.SASLPassword != "" {
		t.Errorf("an untouched password is not kept: %+v", spec)
	}

	p.Post("/networks/1/disconnect").Status(http.StatusOK).Says("Switched off", "stays away")
	p.Post("/networks/1/connect").Status(http.StatusOK).Says("Connecting")
	p.Get("/networks/1/remove").Status(http.StatusOK).Says("Remove libera?", "cannot be undone")
	p.Post("/networks/1/remove").Status(http.StatusOK).Says("libera is removed", "No networks yet")
	if left := g.Bouncer.Names("ada"); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestStoredPasswordStaysWithItsServer(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Post("/networks", portaltest.But("sasl_username", "ada", "sasl_password", "s3cret", "server_password", "gate")...).Status(http.StatusOK)
	page := p.Post("/networks/1", portaltest.But("sasl_username", "ada", "host", "irc.oftc.net")...).Status(http.StatusUnprocessableEntity)
	if !strings.Contains(page.FieldError("sasl_password"), "server has changed") {
		t.Errorf("says %q", page.FieldError("sasl_password"))
	}
	p.Post("/networks/1", portaltest.But("host", "irc.oftc.net")...).Status(http.StatusOK)
	if spec := g.Bouncer.LastSpec(t); spec.KeepSASLPassword || spec.KeepServerPassword {
		t.Errorf("a stored password goes to another server: %+v", spec)
	}
}

func TestServerPasswordIsKeptChangedAndForgotten(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Post("/networks", portaltest.But("server_password", "gate")...)
	p.Post("/networks/1", portaltest.Libera...)
	if spec := g.Bouncer.LastSpec(t); !spec.KeepServerPassword {
		t.Error("an untouched server password is not kept")
	}
	g.Bouncer.With(func() { g.Bouncer.Upstreams["ada"][0].ServerPasswordSet = true })
	p.Post("/networks/1", portaltest.But("drop_server_password", "on")...)
	if spec := g.Bouncer.LastSpec(t); spec.KeepServerPassword || spec.ServerPassword != "" {
		t.Error("the server password is not forgotten")
	}
}

func TestSecondNetworkOfTheFreePlanIsRefusedWithTheReason(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Post("/networks", portaltest.Libera...).Status(http.StatusOK)
	p.Get("/networks").SaysNot(`href="/networks/new"`)
	p.Get("/networks/new").Status(http.StatusForbidden).Says("Free", "has room for one network").Has("/networks")
	p.Post("/networks", portaltest.But("name", "second", "host", "irc.oftc.net")...).Status(http.StatusForbidden).
		Says("Free", "has room for one network").Has("http://irc.localhost:8080/pricing")
	if got := g.Bouncer.Names("ada"); got != "libera" {
		t.Errorf("the bouncer has %s", got)
	}
}

func TestBouncersOwnRefusalIsShown(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	g.Bouncer.With(func() { g.Bouncer.Refuse = &overQuota })
	p.Post("/networks", portaltest.Libera...).Status(http.StatusForbidden).Says("allows one network for this user")
	g.Bouncer.With(func() {
		g.Bouncer.Refuse = &bouncer.Problem{Kind: fault.Conflict.String(), Sentence: "You have a network of that name."}
	})
	page := p.Post("/networks", portaltest.Libera...).Status(http.StatusConflict).Says("You have a network of that name.")
	if page.Value("name") != "libera" {
		t.Error("what was typed is lost")
	}
	g.Bouncer.With(func() {
		g.Bouncer.Refuse = &bouncer.Problem{Kind: fault.Invalid.String(), Sentence: "No.", Fields: map[string]string{"nick": "That nick is forbidden."}}
	})
	if page := p.Post("/networks", portaltest.Libera...).Status(http.StatusUnprocessableEntity); page.FieldError("nick") != "That nick is forbidden." {
		t.Errorf("says %q", page.FieldError("nick"))
	}
}

func TestProMayHaveMore(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	g.Execute(t, `UPDATE account SET plan = 'pro'`)
	p.Post("/networks", portaltest.Libera...).Status(http.StatusOK)
	p.Post("/networks", portaltest.But("name", "oftc", "host", "irc.oftc.net")...).Status(http.StatusOK).Says("oftc is added", "as many networks as you like")
	if limit := g.Bouncer.Users["ada"]; limit != -1 {
		t.Errorf("the bouncer's limit is %d", limit)
	}
}

func TestHostileFieldsComeBackWithAReason(t *testing.T) {
	g := portaltest.Start(t)
	hostile := map[string][]string{
		"name":            {"", "a b", "a/b", "-x", "a\r\nb", strings.Repeat("a", 65)},
		"host":            {"", "a b", "127.0.0.1", "10.0.0.1", "localhost", "irc+unix:///x", "a\r\nQUIT", "169.254.169.254", "x.svc", "kubernetes.default", "x.onion", "203.0.113.1"},
		"port":            {"", "0", "65536", "x", "6697\r\n", "-1"},
		"nick":            {"1a", "a b", "a\r\nQUIT", "ä", strings.Repeat("n", 33)},
		"realname":        {"a\r\nQUIT", "a\nb", strings.Repeat("r", 151)},
		"channels":        {"linux", "#a\r\nQUIT", "#a:b", "#a #A", "#" + strings.Repeat("c", 120)},
		"sasl_username":   {"a\r\nb"},
		"sasl_password":   {"a\r\nb", "without-user"},
		"server_password": {"a\r\nb", strings.Repeat("p", 201)},
	}
	for field, values := range hostile {
		// Somebody of their own each, so that changes are not too many in a short time.
		p := g.User(t, strings.ReplaceAll(field[:min(len(field), 9)], "_", "")+"-x")
		for _, value := range values {
			form := portaltest.But(field, value)
			if field == "sasl_password" && value != "without-user" {
				form = portaltest.But("sasl_username", "ada", field, value)
			}
			if field == "sasl_username" {
				form = portaltest.But("sasl_password", "x", field, value)
			}
			page := p.Post("/networks", form...)
			page.Status(http.StatusUnprocessableEntity)
			if page.FieldError(field) == "" {
				t.Errorf("%s = %q: no reason at the field", field, value)
			}
			if page.Value("realname") != "Ada L." && field != "realname" {
				t.Errorf("%s = %q: the rest of what was typed is lost", field, value)
			}
			if page.Value("sasl_password") != "" || page.Value("server_password") != "" {
				t.Errorf("%s = %q: a secret comes back", field, value)
			}
			if open := page.Find(".field-bad").Closest("details"); open.Length() > 0 && open.Is("details:not([open])") {
				t.Errorf("%s = %q: the reason is folded away", field, value)
			}
		}
	}
	if len(g.Bouncer.Specs) != 0 {
		t.Errorf("the bouncer was asked for %d networks", len(g.Bouncer.Specs))
	}
}

func TestNetworksOfOthersAreNotThere(t *testing.T) {
	g := portaltest.Start(t)
	g.User(t, "ada").Post("/networks", portaltest.Libera...).Status(http.StatusOK)
	eve := g.User(t, "eve")
	for i, id := range []string{"1", "0", "-1", "x", "99999999999999999999", "1%2F..%2F1"} {
		eve := g.User(t, fmt.Sprintf("eve-%d", i)) // so that changes are not too many in a short time
		eve.Get("/networks/" + id + "/edit").Status(http.StatusNotFound)
		eve.Post("/networks/"+id, portaltest.Libera...).Status(http.StatusNotFound)
		for _, action := range []string{"connect", "disconnect", "certificate", "certificate/use", "certificate/remove"} {
			eve.Post("/networks/" + id + "/" + action).Status(http.StatusNotFound)
		}
	}
	// To remove what one does not have is to have it removed, which says nothing of whether somebody else has it.
	for _, id := range []string{"1", "0", "-1"} {
		eve.Get("/networks/" + id + "/remove").Status(http.StatusOK).Says("removed already")
		eve.Post("/networks/" + id + "/remove").Status(http.StatusOK).Says("The network is removed")
	}
	if got := g.Bouncer.Names("ada"); got != "libera" {
		t.Errorf("ada has %q left", got)
	}
}

func TestStatesAreAFragmentOfTheSamePage(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.Give("ada", bouncer.Upstream{
		ID: 7, Name: "libera", Host: "irc.libera.chat", Port: 6697, TLS: true, Enabled: true,
		State: bouncer.Disconnected, Error: "<script>alert(1)</script> Closing Link",
	})
	p := g.User(t, "ada")
	fragment := p.Get("/networks/state").Status(http.StatusOK)
	p.Get("/networks").Find("[data-live-id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("data-live-id")
		fresh := fragment.Find(`[data-live-id="` + id + `"]`)
		if fresh.Length() != 1 || strings.TrimSpace(fresh.Text()) != strings.TrimSpace(s.Text()) {
			t.Errorf("%s: %q in the page, %q in the fragment", id, s.Text(), fresh.Text())
		}
	})
	if fragment.Find("script").Length() != 0 || fragment.Find("[data-live-id=network-7]").Length() != 1 {
		t.Error("the network's own words are taken for markup, or missing")
	}
}

func TestNetworksMadeElsewhereAreShownAndEdited(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.Give("ada", bouncer.Upstream{ID: 3, Name: `odd / name "@`, Host: "irc+unix:///run/x", Enabled: true, State: bouncer.Connecting})
	p := g.User(t, "ada")
	p.Get("/networks").Status(http.StatusOK).Says(`odd / name "@`, "irc+unix:///run/x")
	p.Get("/networks/3/edit").Status(http.StatusOK)
	p.Get("/connect").Status(http.StatusOK).Says("NETWORK")
	p.Post("/networks/3", portaltest.Libera...).Status(http.StatusOK).Says("libera is saved")
}

var overQuota = bouncer.Problem{Kind: fault.OverQuota.String(), Sentence: "The bouncer allows one network for this user."}
