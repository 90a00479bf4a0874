package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

type goquerySelection = goquery.Selection

// libera is a form that is right.
var libera = []string{"name", "Libera.Chat", "host", "irc.libera.chat", "port", "6697", "tls", "on", "nick", "ada", "realname", "Ada L.", "channels", "#irc.now, #linux"}

// but is libera with some fields changed.
func but(pairs ...string) []string {
	form := append([]string{}, libera...)
	for i := 0; i < len(pairs); i += 2 {
		at := -1
		for j := 0; j < len(form); j += 2 {
			if form[j] == pairs[i] {
				at = j
			}
		}
		if at < 0 {
			form = append(form, pairs[i], pairs[i+1])
			continue
		}
		form[at+1] = pairs[i+1]
	}
	return form
}

func TestPickerOffersOursFirstAndFillsTheForm(t *testing.T) {
	p := start(t).user(t, "ada")
	picker := p.get("/networks/new").status(http.StatusOK)
	first := picker.Find("main h3").First().Text()
	if first != "irc.now local" {
		t.Errorf("%q is offered first", first)
	}
	picker.Find(`main a[href^="/networks/new?from="]`).Each(func(_ int, link *goquery.Selection) {
		address, _ := link.Attr("href")
		form := p.get(address).status(http.StatusOK)
		if !strings.HasSuffix(address, "=custom") && (form.value("host") == "" || form.value("port") == "" || form.value("name") == "") {
			t.Errorf("%s leaves the form empty", address)
		}
		if form.value("nick") != "ada" {
			t.Errorf("%s suggests the nick %q", address, form.value("nick"))
		}
	})
	p.get("/networks/new?from=unheard-of").says("Well-known networks")
}

func TestEveryOfferedNetworkIsAccepted(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	p.get("/networks/new").Find(`main a[href^="/networks/new?from="]`).Each(func(_ int, link *goquery.Selection) {
		address, _ := link.Attr("href")
		if strings.HasSuffix(address, "=custom") {
			return
		}
		form := p.get(address)
		var pairs []string
		form.Find("main form.form input").Each(func(_ int, field *goquery.Selection) {
			name, _ := field.Attr("name")
			value, _ := field.Attr("value")
			kind, _ := field.Attr("type")
			if _, checked := field.Attr("checked"); kind != "checkbox" || checked {
				pairs = append(pairs, name, value)
			}
		})
		if page := p.post("/networks", pairs...); page.path() != "/networks" || page.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", address, page.StatusCode, page.Find(".field-error").Text())
		}
		g.bouncer.with(func() { delete(g.bouncer.networks, "ada") })
	})
}

func TestNetworkFromFirstToLast(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	p.post("/networks", but("sasl_username", "ada", "sasl_password", "s3cret")...).status(http.StatusOK).
		says("Libera.Chat is added", "Connected", "#linux", "irc.libera.chat:6697").saysNot("s3cret")
	spec := g.bouncer.lastSpec(t)
	if spec.SASLPassword.Reveal() != "s3cret" || spec.RealName != "Ada L." || strings.Join(spec.Channels, " ") != "#irc.now #linux" || !spec.TLS {
		t.Errorf("the bouncer was asked for %+v", spec)
	}

	edit := p.get("/networks/1/edit").status(http.StatusOK).says("One is stored").saysNot("s3cret")
	if edit.value("channels") != "#irc.now, #linux" || edit.value("sasl_username") != "ada" || edit.value("sasl_password") != "" {
		t.Errorf("the form holds %q, %q", edit.value("channels"), edit.value("sasl_username"))
	}
	p.post("/networks/1", but("sasl_username", "ada", "nick", "ada2", "name", "libera")...).status(http.StatusOK).says("libera is saved", "ada2")
	if spec := g.bouncer.lastSpec(t); !spec.KeepSASLPassword || spec.SASLPassword != "" {
		t.Errorf("an untouched password is not kept: %+v", spec)
	}

	p.post("/networks/1/disconnect").status(http.StatusOK).says("Switched off", "stays away")
	p.post("/networks/1/connect").status(http.StatusOK).says("Connecting")
	p.get("/networks/1/remove").status(http.StatusOK).says("Remove libera?", "cannot be undone")
	p.post("/networks/1/remove").status(http.StatusOK).says("libera is removed", "No networks yet")
	if left := g.bouncer.names("ada"); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestStoredPasswordStaysWithItsServer(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	p.post("/networks", but("sasl_username", "ada", "sasl_password", "s3cret", "server_password", "gate")...).status(http.StatusOK)
	page := p.post("/networks/1", but("sasl_username", "ada", "host", "irc.evil.example")...).status(http.StatusUnprocessableEntity)
	if !strings.Contains(page.fieldError("sasl_password"), "server has changed") {
		t.Errorf("says %q", page.fieldError("sasl_password"))
	}
	p.post("/networks/1", but("host", "irc.evil.example")...).status(http.StatusOK)
	if spec := g.bouncer.lastSpec(t); spec.KeepSASLPassword || spec.KeepServerPassword {
		t.Errorf("a stored password goes to another server: %+v", spec)
	}
}

func TestServerPasswordIsKeptChangedAndForgotten(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	p.post("/networks", but("server_password", "gate")...)
	p.post("/networks/1", libera...)
	if spec := g.bouncer.lastSpec(t); !spec.KeepServerPassword {
		t.Error("an untouched server password is not kept")
	}
	g.bouncer.with(func() { g.bouncer.networks["ada"][0].ServerPasswordSet = true })
	p.post("/networks/1", but("drop_server_password", "on")...)
	if spec := g.bouncer.lastSpec(t); spec.KeepServerPassword || spec.ServerPassword != "" {
		t.Error("the server password is not forgotten")
	}
}

func TestSecondNetworkOfTheFreePlanIsRefusedWithTheReason(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	p.post("/networks", libera...).status(http.StatusOK)
	p.get("/networks").saysNot(`href="/networks/new"`)
	p.get("/networks/new").status(http.StatusForbidden).says("Free", "has room for one network").has("/networks")
	p.post("/networks", but("name", "second", "host", "irc.oftc.net")...).status(http.StatusForbidden).
		says("Free", "has room for one network").has("http://irc.localhost:8080/pricing")
	if got := g.bouncer.names("ada"); got != "Libera.Chat" {
		t.Errorf("the bouncer has %s", got)
	}
}

func TestBouncersOwnRefusalIsShown(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	g.bouncer.with(func() { g.bouncer.refuse = &overQuota })
	p.post("/networks", libera...).status(http.StatusForbidden).says("allows one network for this user")
	g.bouncer.with(func() {
		g.bouncer.refuse = &bouncer.Problem{Kind: fault.Conflict.String(), Sentence: "You have a network of that name."}
	})
	page := p.post("/networks", libera...).status(http.StatusConflict).says("You have a network of that name.")
	if page.value("name") != "Libera.Chat" {
		t.Error("what was typed is lost")
	}
	g.bouncer.with(func() {
		g.bouncer.refuse = &bouncer.Problem{Kind: fault.Invalid.String(), Sentence: "No.", Fields: map[string]string{"nick": "That nick is forbidden."}}
	})
	if page := p.post("/networks", libera...).status(http.StatusUnprocessableEntity); page.fieldError("nick") != "That nick is forbidden." {
		t.Errorf("says %q", page.fieldError("nick"))
	}
}

func TestProMayHaveMore(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	pool, err := store.Open(t.Context(), g.database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `UPDATE account SET plan = 'pro'`); err != nil {
		t.Fatal(err)
	}
	p.post("/networks", libera...).status(http.StatusOK)
	p.post("/networks", but("name", "oftc", "host", "irc.oftc.net")...).status(http.StatusOK).says("oftc is added", "as many networks as you like")
	if limit := g.bouncer.users["ada"]; limit != -1 {
		t.Errorf("the bouncer's limit is %d", limit)
	}
}

func TestHostileFieldsComeBackWithAReason(t *testing.T) {
	g := start(t)
	hostile := map[string][]string{
		"name":            {"", "a b", "a/b", "-x", "a\r\nb", strings.Repeat("a", 65)},
		"host":            {"", "a b", "127.0.0.1", "10.0.0.1", "localhost", "irc+unix:///x", "a\r\nQUIT", "169.254.169.254", "x.svc"},
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
		p := g.user(t, strings.ReplaceAll(field[:min(len(field), 9)], "_", "")+"-x")
		for _, value := range values {
			form := but(field, value)
			if field == "sasl_password" && value != "without-user" {
				form = but("sasl_username", "ada", field, value)
			}
			if field == "sasl_username" {
				form = but("sasl_password", "x", field, value)
			}
			page := p.post("/networks", form...)
			page.status(http.StatusUnprocessableEntity)
			if page.fieldError(field) == "" {
				t.Errorf("%s = %q: no reason at the field", field, value)
			}
			if page.value("realname") != "Ada L." && field != "realname" {
				t.Errorf("%s = %q: the rest of what was typed is lost", field, value)
			}
			if page.value("sasl_password") != "" || page.value("server_password") != "" {
				t.Errorf("%s = %q: a secret comes back", field, value)
			}
			if open := page.Find(".field-bad").Closest("details"); open.Length() > 0 && open.Is("details:not([open])") {
				t.Errorf("%s = %q: the reason is folded away", field, value)
			}
		}
	}
	if len(g.bouncer.specs) != 0 {
		t.Errorf("the bouncer was asked for %d networks", len(g.bouncer.specs))
	}
}

func TestNULIsRefusedInEveryField(t *testing.T) {
	g := start(t)
	p := g.user(t, "ada")
	for _, field := range []string{"name", "host", "port", "nick", "realname", "channels", "sasl_username", "sasl_password", "server_password"} {
		p.post("/networks", but(field, "a\x00b")...).status(http.StatusBadRequest)
	}
	p.post("/passwords", "name", "a\x00b").status(http.StatusBadRequest)
}

func TestNetworksOfOthersAreNotThere(t *testing.T) {
	g := start(t)
	g.user(t, "ada").post("/networks", libera...).status(http.StatusOK)
	eve := g.user(t, "eve")
	for _, id := range []string{"1", "0", "-1", "x", "99999999999999999999", "1%2F..%2F1"} {
		eve.get("/networks/" + id + "/edit").status(http.StatusNotFound)
		eve.get("/networks/" + id + "/remove").status(http.StatusNotFound)
		eve.post("/networks/"+id, libera...).status(http.StatusNotFound)
		for _, action := range []string{"remove", "connect", "disconnect"} {
			eve.post("/networks/" + id + "/" + action).status(http.StatusNotFound)
		}
	}
	if got := g.bouncer.names("ada"); got != "Libera.Chat" {
		t.Errorf("ada has %q left", got)
	}
}

func TestStatesAreAFragmentOfTheSamePage(t *testing.T) {
	g := start(t)
	g.bouncer.give("ada", bouncer.Upstream{
		ID: 7, Name: "libera", Host: "irc.libera.chat", Port: 6697, TLS: true, Enabled: true,
		State: bouncer.Disconnected, Error: "<script>alert(1)</script> Closing Link",
	})
	p := g.user(t, "ada")
	fragment := p.get("/networks/state").status(http.StatusOK)
	p.get("/networks").Find("[data-live-id]").Each(func(_ int, s *goquery.Selection) {
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
	g := start(t)
	g.bouncer.give("ada", bouncer.Upstream{ID: 3, Name: `odd / name "@`, Host: "irc+unix:///run/x", Enabled: true, State: bouncer.Connecting})
	p := g.user(t, "ada")
	p.get("/networks").status(http.StatusOK).says(`odd / name "@`, "irc+unix:///run/x")
	p.get("/networks/3/edit").status(http.StatusOK)
	p.get("/connect").status(http.StatusOK).says("NETWORK")
	p.post("/networks/3", libera...).status(http.StatusOK).says("Libera.Chat is saved")
}
