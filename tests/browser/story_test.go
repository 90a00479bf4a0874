package browser_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/tests/browser"
)

// visitor is somebody at a screen.
type visitor struct {
	*browser.Browser

	t      *testing.T
	screen string
}

// TestSomebodyNewGetsABouncerAndTalks is the first five minutes of a user, in a real browser: sign up, pick a handle,
// add a network, make a connection password, and use both in an IRC client.
func TestSomebodyNewGetsABouncerAndTalks(t *testing.T) {
	for _, c := range []struct {
		screen         browser.Screen
		scheme, handle string
	}{{browser.Desktop, "dark", "grace"}, {browser.Phone, "light", "hedy"}} {
		t.Run(c.screen.Name, func(t *testing.T) {
			v := &visitor{browser.Start(t), t, c.screen.Name + "-" + c.scheme}
			v.Emulate(c.screen, c.scheme)
			v.signUp(c.handle)
			v.addNetwork()
			v.connects(c.handle, v.makePassword())
			v.passwordsAre("Laptop")
			v.looksAround()
		})
	}
}

// look keeps a picture of the page and reports what is wrong with it.
func (v *visitor) look(name string) {
	v.t.Helper()
	v.Screenshot("portal-" + name + "-" + v.screen)
	for _, problem := range v.Problems() {
		v.t.Errorf("%s: %s", name, problem)
	}
}

// press clicks a control of the main part by its words and waits for the page it leads to.
func (v *visitor) press(words string) {
	v.t.Helper()
	v.Follow(chromedp.Click(`//main//*[self::a or self::button][contains(normalize-space(.), "` + words + `")]`))
}

func (v *visitor) typeInto(field, text string) {
	v.t.Helper()
	selector := `main [name="` + field + `"]`
	browser.Evaluate[bool](v.Browser, `(document.querySelector('`+selector+`').value = '', true)`)
	v.Do(chromedp.SendKeys(selector, text))
}

func (v *visitor) says(text string) {
	v.t.Helper()
	if words := browser.Evaluate[string](v.Browser, `document.querySelector("main").innerText`); !strings.Contains(words, text) {
		v.t.Fatalf("%s does not say %q:\n%s", browser.Evaluate[string](v.Browser, `location.href`), text, words)
	}
}

func (v *visitor) signUp(handle string) {
	v.t.Helper()
	v.Visit(site.Portal)
	v.look("welcome")
	v.press("Create an account")
	v.look("sign-up")
	v.typeInto("email", handle+"@example.org")
	v.typeInto("password", "correct horse battery staple")
	v.press("Create account")
	v.look("handle")
	v.Excuse("/handle", http.StatusUnprocessableEntity)
	v.typeInto("handle", "nickserv")
	v.press("Take this handle")
	v.says("reserved")
	v.look("handle-refused")
	v.typeInto("handle", handle)
	v.press("Take this handle")
	v.says("Dashboard")
	v.look("dashboard-new")
}

func (v *visitor) addNetwork() {
	v.t.Helper()
	v.press("Add a network")
	v.look("network-pick")
	v.press("Choose irc.now local")
	v.look("network-form")
	v.typeInto("channels", "#lobby")
	v.press("Add")
	// The page learns without a reload that the bouncer is there.
	v.Await(`document.querySelector("main .status").innerText.trim() === "Connected"`)
	v.look("networks")
}

func (v *visitor) makePassword() string {
	v.t.Helper()
	v.Visit(site.Portal + "/passwords")
	v.look("passwords-none")
	v.typeInto("name", "Laptop")
	browser.Evaluate[bool](v.Browser, `(document.querySelector('main [name="client"]').value = "irssi", true)`)
	v.press("Make a password")
	secret := browser.Evaluate[string](v.Browser, `document.querySelector("main input[readonly]").value`)
	if lines := browser.Evaluate[string](v.Browser, `document.querySelector("main details[open] pre").innerText`); !strings.Contains(lines, "-sasl_password "+secret) {
		v.t.Errorf("the lines for irssi lack the password:\n%s", lines)
	}
	v.says("Waiting for your client")
	v.look("password-created")
	return secret
}

func (v *visitor) passwordsAre(name string) {
	v.t.Helper()
	v.Visit(site.Portal + "/passwords")
	v.says(name)
	v.look("passwords")
}

// connects uses what the pages have shown in an IRC client.
func (v *visitor) connects(handle, secret string) {
	v.t.Helper()
	c := serverstest.SignIn(v.t, site.IRC, handle, handle+"/irc-now-local", secret)
	c.Expect("JOIN", "#lobby")
	c.Send("PRIVMSG #lobby :hello from "+handle, "PING fence")
	c.Expect("PONG", "fence")
	// The page with the password is still open, and learns without a reload that its client is there.
	v.Await(`document.querySelector('[data-live-id="client"]').innerText.includes("You are in")`)
	v.look("password-in")
}

func (v *visitor) looksAround() {
	v.t.Helper()
	_, port, err := net.SplitHostPort(site.IRC)
	if err != nil {
		v.t.Fatal(err)
	}
	v.Excuse("/nothing-here", http.StatusNotFound)
	v.Excuse("/networks/new", http.StatusForbidden) // the plan has room for one
	for _, page := range []string{"", "connect", "account", "networks/new?from=custom", "nothing-here"} {
		v.Visit(site.Portal + "/" + page)
		name, _, _ := strings.Cut(page, "?")
		v.look("page-" + strings.ReplaceAll(name, "/", "-"))
		if page == "connect" {
			v.says(port)
		}
	}
	v.Visit(site.Portal + "/passwords")
	v.press("Revoke")
	v.look("password-revoke")
	v.press("Revoke")
	v.says("no longer works")
	v.Visit(site.Portal + "/account")
	v.press("Sign out of this browser")
	v.look("signed-out")
}
