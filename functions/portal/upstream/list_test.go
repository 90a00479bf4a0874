package upstream_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/bouncer"
)

func libera(change func(*bouncer.Upstream)) bouncer.Upstream {
	u := bouncer.Upstream{
		ID: 7, Name: "libera", Host: "irc.libera.chat", Port: 6697, TLS: true, Nick: "ada", Channels: []string{"#lab", "#linux"},
		Enabled: true, State: bouncer.Connected,
	}
	change(&u)
	return u
}

func TestTheListSaysHowItIs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bouncer.Upstream)
		says   []string
		not    []string
	}{
		"plain":    {func(*bouncer.Upstream) {}, []string{"Connected", "asks for the nickname ada"}, []string{"not in it", "not signed in"}},
		"refused":  {func(u *bouncer.Upstream) { u.SASLUsername, u.SignIn = "ada", bouncer.SignInRefused }, []string{"Connected, but not signed in", "did not take your account"}, nil},
		"kicked":   {func(u *bouncer.Upstream) { u.Absent = []string{"#lab"} }, []string{"#lab not in it #linux"}, nil},
		"busy":     {func(u *bouncer.Upstream) { u.State = bouncer.Busy }, []string{"Busy", "can be disconnected or removed all the same"}, nil},
		"removing": {func(u *bouncer.Upstream) { u.State = bouncer.Removing }, []string{"Being removed", "as soon as it can"}, []string{"/networks/7/remove", "/networks/7/disconnect"}},
		"no host":  {func(u *bouncer.Upstream) { u.State, u.Reason = bouncer.Disconnected, bouncer.NoSuchHost }, []string{"There is no server of that name"}, []string{"The network said"}},
		"said why": {func(u *bouncer.Upstream) {
			u.State, u.Reason, u.Error = bouncer.Disconnected, bouncer.SaidWhy, "Banned"
		}, []string{"The network said: “Banned”"}, nil},
		"older": {func(u *bouncer.Upstream) { u.State = bouncer.Disconnected }, []string{"Not connected, trying again"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := portaltest.Start(t)
			g.Bouncer.Give("ada", libera(c.change))
			p := g.User(t, "ada")
			p.Get("/networks").Status(http.StatusOK).Says(c.says...).SaysNot(c.not...)
			p.Get("/").Status(http.StatusOK).Says(c.says...)
		})
	}
}

func TestEveryReasonIsExplained(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	for _, reason := range []bouncer.Reason{
		bouncer.NoSuchHost, bouncer.NoAnswer, bouncer.Unreachable, bouncer.PortClosed, bouncer.NotTLS, bouncer.BadCertificate,
		bouncer.WrongPin, bouncer.HungUp, bouncer.OtherReason,
	} {
		g.Bouncer.With(func() {
			g.Bouncer.Upstreams["ada"] = []bouncer.Upstream{libera(func(u *bouncer.Upstream) { u.State, u.Reason = bouncer.Disconnected, reason })}
		})
		p.Get("/networks/7/edit") // asks the bouncer anew
		if why := p.Get("/networks").Find(`[data-live-id="network-7"] p.muted`).Text(); why == "" {
			t.Errorf("%s is not explained", reason)
		}
	}
}

func TestWhoIsFloodedIsToldThatItIsDoneLater(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.Give("ada", libera(func(u *bouncer.Upstream) { u.State = bouncer.Busy }))
	g.Bouncer.With(func() { g.Bouncer.Busy = true })
	p := g.User(t, "ada")
	p.Post("/networks/7/disconnect").Status(http.StatusOK).Says("Your bouncer is busy", "as soon as it can")
	p.Post("/networks/7/remove").Status(http.StatusOK).Says("libera is going to be removed", "Being removed")
}

// turned are words that turn what stands behind them, where a page takes them as they are.
const turned = "\u202emoc.live\u2066"

func TestForeignWordsTurnNoPage(t *testing.T) {
	g := portaltest.Start(t)
	g.Bouncer.Give("ada", bouncer.Upstream{
		ID: 7, Name: "evil" + turned, Host: "irc.libera.chat", Port: 6697, TLS: true, Nick: "ada" + turned, RealName: "Ada" + turned,
		Channels: []string{"#lab" + turned}, Keyed: []string{"#lab" + turned}, Enabled: true, State: bouncer.Disconnected, Error: "ERROR " + turned, Reason: bouncer.SaidWhy,
	})
	p := g.User(t, "ada")
	for _, path := range []string{"/", "/networks", "/networks/state", "/networks/7/edit", "/networks/7/remove", "/networks/7/certificate", "/connect"} {
		page := p.Get(path).Status(http.StatusOK)
		page.Find("input").Remove() // what stands in a field is sent back as it is, and turns nothing but the field
		if html, _ := page.Html(); strings.ContainsAny(html, "\u202e\u2066") {
			t.Errorf("%s is turned around: %s", path, html)
		}
	}
	page := p.Get("/networks")
	for _, words := range []string{"evilmoc.live", "#labmoc.live", "adamoc.live", "ERROR moc.live"} {
		if page.Find("bdi").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == words }).Length() == 0 {
			t.Errorf("%q is not kept apart", words)
		}
	}
	p.Post("/networks/7/remove").Says("evilmoc.live is removed")
	if got := g.Bouncer.Names("ada"); got != "" {
		t.Errorf("left: %q", got)
	}
	for _, field := range []string{"realname", "channels"} {
		if page := p.Post("/networks", portaltest.But(field, "#a"+turned)...); page.FieldError(field) == "" {
			t.Errorf("%s takes it", field)
		}
	}
}
