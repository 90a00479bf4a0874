package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"irc.now/shared/design"
	"irc.now/tests/browser"
)

// pressThrice presses the button again while the first answer is on its way, and then tells the server.
const pressThrice = `(() => {
	const button = document.querySelector('button');
	button.click();
	setTimeout(() => button.click(), 100);
	setTimeout(() => { button.click(); fetch('/pressed'); }, 200);
	return true;
})()`

func TestAFormIsSentOnceWhileTheAnswerIsOnItsWay(t *testing.T) {
	var sent atomic.Int32
	pressed := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.Handle("GET /static/", design.Static())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><title>x</title><link rel="icon" href="data:,"><script type="module" src="%s"></script>
			<form method="post" action="/"><button name="which" value="one">Send</button></form>`, design.Asset("js/page.js"))
	})
	mux.HandleFunc("GET /pressed", func(http.ResponseWriter, *http.Request) { pressed <- struct{}{} })
	mux.HandleFunc("POST /{$}", func(_ http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		if r.FormValue("which") != "one" {
			t.Error("which button was pressed is not sent")
		}
		<-r.Context().Done() // nobody is answered
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	b := browser.Start(t)
	for i := range int32(2) { // a page that is loaded anew can be sent anew
		b.Visit(server.URL)
		browser.Evaluate[bool](b, pressThrice)
		<-pressed
		if got := sent.Load(); got != i+1 {
			t.Fatalf("it was sent %d times, want %d", got, i+1)
		}
	}
	b.Visit(server.URL) // and gives up the last answer, without which the browser tells nothing
}
