package browser_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"irc.now/functions/landing"
	"irc.now/tests/browser"
)

var landingPaths = []string{
	"/", "/docs", "/docs/passwords", "/docs/networks", "/docs/history", "/clients", "/pricing", "/faq", "/what-is-irc", "/design", "/nothing",
}

// serveLanding gives the address of a landing site.
func serveLanding(t *testing.T) string {
	t.Helper()
	f := landing.New()
	err := f.Start(t.Context(), map[string]string{
		"BASE_URL": "http://irc.localhost", "PORTAL_URL": "http://my.irc.localhost", "IRC_HOST": "localhost", "IRC_PORT": "6667",
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(f.Handle))
	t.Cleanup(server.Close)
	return server.URL
}

func TestLandingIsAccessibleOnEveryScreen(t *testing.T) {
	address := serveLanding(t)
	b := browser.Start(t)
	b.Excuse("/nothing", http.StatusNotFound)
	for _, look := range []struct {
		screen browser.Screen
		scheme string
	}{{browser.Desktop, "dark"}, {browser.Desktop, "light"}, {browser.Phone, "dark"}, {browser.Narrow, "light"}} {
		b.Emulate(look.screen, look.scheme)
		for _, path := range landingPaths {
			b.Visit(address + path)
			name := "landing" + strings.ReplaceAll(path, "/", "-") + "-" + look.screen.Name + "-" + look.scheme
			b.Screenshot(name)
			for _, problem := range b.Problems() {
				t.Errorf("%s: %s", name, problem)
			}
		}
	}
}

func TestThemeIsChosenAndRemembered(t *testing.T) {
	address := serveLanding(t)
	b := browser.Start(t)
	b.Emulate(browser.Desktop, "light")
	b.Visit(address + "/")
	const background = "getComputedStyle(document.documentElement).backgroundColor"
	const press = "document.querySelector('[data-theme-toggle]').click()"
	light := browser.Evaluate[string](b, background)
	browser.Evaluate[any](b, press)
	dark := browser.Evaluate[string](b, background)
	if dark == light {
		t.Fatalf("the button has no effect: %s", dark)
	}
	b.Visit(address + "/docs")
	if got := browser.Evaluate[string](b, background); got != dark {
		t.Errorf("the next page is %s, want %s", got, dark)
	}
	browser.Evaluate[any](b, press)
	if got := browser.Evaluate[string](b, background); got != light {
		t.Errorf("pressed again: %s, want %s", got, light)
	}
}

func TestKeyboardReachesTheContentFirst(t *testing.T) {
	address := serveLanding(t)
	b := browser.Start(t)
	b.Emulate(browser.Desktop, "dark")
	b.Visit(address + "/docs")
	b.Do(chromedp.KeyEvent(kb.Tab))
	shown := browser.Evaluate[bool](b, "document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().top >= 0")
	if !shown {
		t.Error("the skip link is not shown when it has the focus")
	}
	b.Do(chromedp.KeyEvent(kb.Enter))
	if got := browser.Evaluate[string](b, "location.hash"); got != "#main" {
		t.Errorf("the skip link leads to %q", got)
	}
}
