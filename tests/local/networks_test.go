package local_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/tests/webclient"
)

func TestANetworkIsAddedEditedDisconnectedConnectedAndRemoved(t *testing.T) {
	p := newcomer(t)
	p.joinLocalNetwork("#one, #two")
	p.visit("/networks").Says(http.StatusOK, "#one").Says(http.StatusOK, "#two")

	page := p.visit("/networks").Follow("Edit").Says(http.StatusOK, "Edit "+localUpstream)
	nick := p.handle + "x"
	page.Submit(`[name="nick"]`, webclient.Fields{"nick": nick, "channels": "#two #three"}).Says(http.StatusOK, nick)
	p.awaitState("Connected")
	page = p.visit("/networks").Says(http.StatusOK, "#three")
	if strings.Contains(page.Words("main"), "#one") {
		t.Errorf("a channel that was taken out is still there: %s", page.Words("main"))
	}
	awaitInChannel(t, "#three", nick)

	p.visit("/networks").Submit(`form[action$="/disconnect"] button`, nil).Says(http.StatusOK, "stays away")
	p.awaitState("Switched off")
	p.visit("/networks").Submit(`form[action$="/connect"] button`, nil)
	p.awaitState("Connected")

	p.visit("/networks").Follow("Remove").Says(http.StatusOK, "cannot be undone").
		Submit(`form[action$="/remove"] button`, nil).Says(http.StatusOK, "No networks yet")
}

// awaitInChannel looks on the local network until nick is in a channel, which soju enters after it has connected.
func awaitInChannel(t *testing.T, channel, nick string) {
	t.Helper()
	c := serverstest.Register(t, site.Network, "onlooker")
	c.Send("JOIN " + channel)
	c.Await(func(m serverstest.Message) bool {
		return m.Command == "353" && strings.Contains(strings.Join(m.Params, " "), nick) ||
			m.Command == "JOIN" && strings.HasPrefix(m.Source, nick+"!")
	})
}

func TestAFreePlanHasRoomForOneNetworkInThePortalAndInSoju(t *testing.T) {
	p := newcomer(t)
	p.joinLocalNetwork("")
	p.visit("/networks/new?from=custom").Says(http.StatusForbidden, "No room for another network")
	p.browser.Post(site.Portal+"/networks", url.Values{
		"name": {"second"}, "host": {"irc.libera.chat"}, "port": {"6697"}, "tls": {"on"}, "nick": {p.handle},
	}).Says(http.StatusForbidden, "No room for another network")

	c := p.connect(p.newPassword("irssi"))
	c.Send("PRIVMSG BouncerServ :network create -addr irc.libera.chat -name second")
	answer := c.Expect("PRIVMSG", "network")
	if said := strings.Join(answer.Params, " "); !strings.Contains(said, "limit") && !strings.Contains(said, "maximum") {
		t.Errorf("soju answers a second network with %q", said)
	}
	if words := p.visit("/networks").Words("main"); strings.Contains(words, "libera") {
		t.Errorf("there is a second network: %s", words)
	}
}

// hostile are values that would mean something to soju's command line, to IRC or to a page, had they been let through.
var hostile = []string{
	"x\r\nBOUNCERSERV :user create -username evil -password evil -admin true",
	"x\nQUIT", "x\rQUIT", "x\x00y", "x\" -admin true -enabled \"true", `x' -nick 'evil`, `x\`, "-help", "x -ignore-limit true",
	`"><script>alert(1)</script>`, "x\x1by", "\xff\xfe",
}

func TestNothingTypedIntoAFieldReachesSojusCommandLine(t *testing.T) {
	for _, field := range []string{"name", "host", "port", "nick", "realname", "channels", "sasl_username", "sasl_password", "server_password"} {
		t.Run(field, func(t *testing.T) {
			p := newcomer(t) // one for each field: nobody may change things this often
			for _, value := range hostile {
				form := url.Values{
					"name": {"net"}, "host": {"nowhere.irc.now"}, "port": {"6697"}, "tls": {"on"}, "nick": {p.handle},
					"realname": {"A Person"}, "channels": {"#chat"}, "sasl_username": {"acct"}, "sasl_password": {"pass word"},
					"server_password": {"pw"},
				}
				form.Set(field, value)
				p.tryNetwork(field, value, form)
			}
			p.visit("/networks").Says(http.StatusOK, "No networks yet")
		})
	}
	if got := serverstest.Dial(t, site.IRC).Authenticate("evil", "evil", "evil"); got.Command == "001" {
		t.Fatal("an injected command has made an administrator")
	}
}

// tryNetwork posts a form. It is refused, or the value has arrived as it was typed, as one word; never anything else.
func (p *person) tryNetwork(field, value string, form url.Values) {
	p.t.Helper()
	page := p.browser.Post(site.Portal+"/networks", form)
	if page.Find("main script").Length() != 0 {
		p.t.Errorf("%s=%q puts a script into the page", field, value)
	}
	switch {
	case page.Status == http.StatusTooManyRequests: // the limit on changes, which is not what is tried here
		p.t.Fatalf("%s=%q was not tried: too many changes", field, value)
	case page.Status >= 500:
		p.t.Errorf("%s=%q answers %d: %s", field, value, page.Status, page.Words("main"))
	case page.Status >= 400:
		if strings.ContainsAny(value, "\r\n\x00") && page.Find(`[aria-invalid="true"]`).Length() == 0 && page.Status == http.StatusUnprocessableEntity {
			p.t.Errorf("%s=%q is refused without saying which field is wrong: %s", field, value, page.Words("main"))
		}
	default:
		if strings.ContainsAny(value, "\r\n\x00") {
			p.t.Errorf("%s=%q was taken", field, value)
		}
		edit := p.visit("/networks").Follow("Edit")
		if got, _ := edit.Find(`[name="` + field + `"]`).Attr("value"); !strings.Contains(field, "password") && strings.TrimSpace(got) != strings.TrimSpace(value) {
			p.t.Errorf("%s=%q arrived as %q", field, value, got)
		}
		p.visit("/networks").Follow("Remove").Submit(`form[action$="/remove"] button`, nil).Says(http.StatusOK, "No networks yet")
	}
}

func TestPrivateAddressesAreNoNetworks(t *testing.T) {
	p := newcomer(t)
	_, port, err := net.SplitHostPort(site.IRC)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "::1", "localhost", "0x7f000001", "2130706433", "/run/soju/admin", "irc+unix:///run/soju/admin"} {
		page := p.browser.Post(site.Portal+"/networks", url.Values{
			"name": {"inside"}, "host": {host}, "port": {port}, "nick": {p.handle},
		})
		if page.Status != http.StatusUnprocessableEntity {
			t.Errorf("a network at %s answers %d", host, page.Status)
		}
	}
	p.visit("/networks").Says(http.StatusOK, "No networks yet")
}

func TestAnotherUsersNetworksAndPasswordsAreNotThere(t *testing.T) {
	owner, thief := newcomer(t), newcomer(t)
	owner.joinLocalNetwork("")
	owner.newPassword("laptop")
	edit := owner.visit("/networks").Find(`main a[href$="/edit"]`).AttrOr("href", "")
	revoke := owner.visit("/passwords").Find(`main a[href$="/revoke"]`).AttrOr("href", "")
	for _, path := range []string{edit, revoke} {
		if path == "" {
			t.Fatal("the owner's page has no link")
		}
		if page := thief.visit(path); page.Status != http.StatusNotFound {
			t.Errorf("another user's %s answers %d", path, page.Status)
		}
	}
	base := site.Portal + strings.TrimSuffix(edit, "/edit")
	thief.browser.Post(base+"/remove", nil).Says(http.StatusOK, "The network is removed") // of the thief's there is none
	for _, target := range []string{base, base + "/certificate", base + "/disconnect", site.Portal + revoke} {
		if page := thief.browser.Post(target, url.Values{"name": {"x"}, "host": {"irc.example.org"}, "port": {"6697"}}); page.Status != http.StatusNotFound {
			t.Errorf("POST to another user's %s answers %d", target, page.Status)
		}
	}
	owner.awaitState("Connected")
	owner.visit("/passwords").Says(http.StatusOK, "laptop")
}

func TestIntrospectionAndAdministrationAreNotOnThePublicPort(t *testing.T) {
	browser := webclient.New(t)
	for _, door := range []string{site.Landing, site.Portal, site.Identity} {
		for _, path := range []string{"/metrics", "/introspect", "/v1/users/demo/networks", "/.well-known/oauth-authorization-server"} {
			page := browser.Visit(door + path)
			if page.Status == http.StatusOK && !json.Valid([]byte(page.Text())) || page.Status == http.StatusOK && door != site.Identity {
				t.Errorf("%s%s answers %d", door, path, page.Status)
			}
		}
	}
}
