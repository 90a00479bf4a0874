package browser_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/oauth2"

	"irc.now/tests/browser"
)

// A program on somebody's computer sends them to the browser and listens for the answer, wherever its system lets it.
func TestAProgramOnTheSameComputerIsLetIn(t *testing.T) {
	v := &visitor{browser.Start(t), t, "desktop-light"}
	v.Emulate(browser.Desktop, "light")
	v.signUp("joan")
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		for button, want := range map[string]string{"Let it in": "code", "Refuse": "error"} {
			answers, redirect := v.listens(address)
			v.Visit(site.Identity + "/authorize?" + url.Values{
				"client_id": {"irc"}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}, "state": {"st"},
				"code_challenge": {oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())}, "code_challenge_method": {"S256"},
			}.Encode())
			v.says("Let ")
			v.Do(chromedp.Click(`//main//button[contains(., "` + button + `")]`))
			select {
			case answer := <-answers:
				if answer.Get(want) == "" || answer.Get("state") != "st" {
					t.Errorf("%s, %s: the program is told %v", address, button, answer)
				}
			case <-time.After(patience):
				t.Fatalf("%s, %s: the program is told nothing; the browser is at %s", address, button, browser.Evaluate[string](v.Browser, "location.href"))
			}
		}
	}
}

// listens is a program that takes one answer.
func (v *visitor) listens(address string) (answers <-chan url.Values, redirect string) {
	v.t.Helper()
	listener, err := new(net.ListenConfig).Listen(v.t.Context(), "tcp", address)
	if err != nil {
		v.t.Fatal(err)
	}
	told := make(chan url.Values, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if strings.HasPrefix(r.URL.Path, "/callback") {
			told <- r.URL.Query()
		}
		_, _ = w.Write([]byte("<!doctype html><link rel=icon href=data:,><title>Done</title>Go back to your program."))
	}))
	_ = server.Listener.Close() // which is at an address of its own choice
	server.Listener = listener
	server.Start()
	v.t.Cleanup(server.Close)
	return told, "http://" + listener.Addr().String() + "/callback"
}
