package upstream_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/bouncer"
)

func TestAFormThatIsSentTwiceIsOneNetworkAndTwiceASuccess(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	for range 2 {
		p.Post("/networks", portaltest.Libera...).Status(http.StatusOK).Says("libera is added")
	}
	if got := g.Bouncer.Names("ada"); got != "libera" {
		t.Errorf("the bouncer has %s", got)
	}
	p.Post("/networks", portaltest.But("realname", "Another")...).Status(http.StatusConflict).Says("already have a network of that name")
	for range 2 {
		p.Post("/networks/1", portaltest.But("name", "renamed")...).Status(http.StatusOK).Says("renamed is saved")
	}
	p.Post("/networks/1/remove").Status(http.StatusOK).Says("renamed is removed")
	p.Post("/networks/1/remove").Status(http.StatusOK).Says("The network is removed")
}

func TestAServerIsTakenAsItWasPasted(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	g.Execute(t, `UPDATE account SET plan = 'pro'`)
	for i, c := range []struct {
		host string
		want bouncer.Address
	}{
		{"irc.oftc.net:7000", bouncer.Address{Host: "irc.oftc.net", Port: 7000, TLS: true}},
		{" irc.oftc.net. ", bouncer.Address{Host: "irc.oftc.net", Port: 6697, TLS: true}},
		{"ircs://irc.oftc.net", bouncer.Address{Host: "irc.oftc.net", Port: 6697, TLS: true}},
		{"irc+insecure://irc.oftc.net:6667", bouncer.Address{Host: "irc.oftc.net", Port: 6667}},
		{"bücher.de", bouncer.Address{Host: "xn--bcher-kva.de", Port: 6697, TLS: true}},
	} {
		p.Post("/networks", portaltest.But("name", fmt.Sprintf("n%d", i), "host", c.host)...).Status(http.StatusOK)
		if got := g.Bouncer.LastSpec(t).Address(); got != c.want {
			t.Errorf("%q is taken for %v", c.host, got)
		}
	}
}

func TestWhatTheBouncerCannotHoldIsRefusedWithTheReason(t *testing.T) {
	p := portaltest.Start(t).User(t, "ada")
	var channels []string
	for i := range bouncer.MaxChannels + 1 {
		channels = append(channels, fmt.Sprintf("#c%d", i))
	}
	page := p.Post("/networks", portaltest.But("channels", strings.Join(channels, " "))...).Status(http.StatusUnprocessableEntity)
	if why := page.FieldError("channels"); !strings.Contains(why, "at most 60") || !strings.Contains(why, "for minutes after each connect") {
		t.Errorf("says %q", why)
	}
	page = p.Post("/networks", portaltest.But("name", "tilde.chat")...).Status(http.StatusUnprocessableEntity)
	if why := page.FieldError("name"); !strings.Contains(why, "Leave out the dots") {
		t.Errorf("says %q", why)
	}
}

func TestAnOldNameWithADotStays(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.Give("ada", bouncer.Upstream{ID: 5, Name: "tilde.chat", Host: "irc.tilde.chat", Port: 6697, TLS: true, Enabled: true, State: bouncer.Connected})
	p := g.User(t, "ada")
	p.Post("/networks/5", portaltest.But("name", "tilde.chat", "host", "irc.tilde.chat")...).Status(http.StatusOK).Says("tilde.chat is saved")
}

func TestWhatFewPeopleSetIsSetKeptAndForgotten(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	pin := strings.Repeat("0A:", 31) + "0A"
	form := portaltest.But("keys", "#linux s3cret\r\n", "commands", "MODE ada +x\r\n\r\nPRIVMSG NickServ :IDENTIFY hunter2", "pinned", pin, "no_auto_away", "on")
	p.Post("/networks", form...).Status(http.StatusOK)
	more := g.Bouncer.LastSpec(t).More
	if !slices.Equal(more.Keys, []string{"#linux s3cret"}) || !slices.Equal(more.Commands, []string{"MODE ada +x", "PRIVMSG NickServ :IDENTIFY hunter2"}) ||
		more.Pinned != strings.Repeat("0a", 32) || !more.NoAutoAway {
		t.Errorf("asked for %+v", more)
	}
	edit := p.Get("/networks/1/edit").Status(http.StatusOK).Says("Keys are stored for #linux", "2 stored").SaysNot("s3cret", "hunter2")
	if edit.Value("pinned") != more.Pinned || edit.Find("#no_auto_away[checked]").Length() != 1 {
		t.Errorf("the form forgets what is set")
	}
	p.Post("/networks/1", portaltest.Libera...).Status(http.StatusOK)
	if more := g.Bouncer.LastSpec(t).More; !more.KeepKeys || !more.KeepCommands || more.NoAutoAway || more.Pinned != "" {
		t.Errorf("asked for %+v", more)
	}
	g.Bouncer.With(func() {
		g.Bouncer.Upstreams["ada"][0].Commands, g.Bouncer.Upstreams["ada"][0].Keyed = 2, []string{"#linux"}
	})
	page := p.Post("/networks/1", portaltest.But("host", "irc.oftc.net")...).Status(http.StatusUnprocessableEntity)
	for _, field := range []string{"keys", "commands"} {
		if !strings.Contains(page.FieldError(field), "server has changed") {
			t.Errorf("%s: %q", field, page.FieldError(field))
		}
	}
	p.Post("/networks/1", portaltest.But("host", "irc.oftc.net", "drop_keys", "on", "drop_commands", "on")...).Status(http.StatusOK)
	if more := g.Bouncer.LastSpec(t).More; more.KeepKeys || more.KeepCommands {
		t.Errorf("what was stored for one server goes to another: %+v", more)
	}
}

func TestACertificateIsMadeShownUsedAndForgotten(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Post("/networks", portaltest.But("sasl_username", "ada", "sasl_password", "s3cret")...)
	p.Get("/networks/1/edit").Has("/networks/1/certificate")
	p.Get("/networks/1/certificate").Status(http.StatusOK).Says("Make one", "keeps its key").SaysNot("Forget the certificate")
	page := p.Post("/networks/1/certificate").Status(http.StatusOK).Says("Have the network know it", "CERT ADD")
	for name, want := range map[string]string{"copy-sha-1": "aa01", "copy-sha-256": "bb02", "copy-sha-512": "cc03"} {
		if got, _ := page.Find("#" + name).Attr("value"); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	g.Bouncer.With(func() { g.Bouncer.Upstreams["ada"][0].SignIn = bouncer.SignInRefused })
	p.Get("/networks/1/certificate").Says("Connect with it") // which asks the bouncer anew
	p.Get("/networks").Says("Connected, but not signed in", "does not know your bouncer's certificate")
	p.Post("/networks/1/certificate/use").Status(http.StatusOK).Says("connects to libera anew")
	g.Bouncer.With(func() { g.Bouncer.Upstreams["ada"][0].SignIn = bouncer.SignedIn })
	p.Get("/networks/1/certificate").Says("signed in with it").SaysNot("Connect with it")
	edit := p.Get("/networks/1/edit").Says("signs in to this network with its certificate")
	if edit.Find("#sasl_username").Length() != 0 {
		t.Error("the form asks for an account that is not used")
	}
	p.Post("/networks/1/certificate/remove").Status(http.StatusOK).Says("has forgotten the certificate")
	g.Bouncer.With(func() { g.Bouncer.Upstreams["ada"][0].TLS = false })
	p.Get("/networks/1/certificate").Says("encrypted connections only")
	p.Post("/networks/1/certificate").Says("Switch encryption on first")
}

func TestNetworksThatAreSwitchedOffTakeNoRoom(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.Give("ada", bouncer.Upstream{ID: 7, Name: "spare", Host: "irc.oftc.net", Port: 6697, TLS: true, State: bouncer.Disabled})
	p := g.User(t, "ada")
	p.Get("/networks").Says("those that are switched off take none").Has("/networks/new")
	p.Post("/networks", portaltest.Libera...).Status(http.StatusOK).Says("libera is added")
	p.Get("/networks/new").Status(http.StatusForbidden).Says("disconnect or remove it first")
	p.Get("/networks").SaysNot("More than your plan allows")
}
