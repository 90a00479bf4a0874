package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/PuerkitoBio/goquery"

	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

func newSite(t *testing.T) *web.Site {
	t.Helper()
	pages, err := design.New(design.Site{}, fstest.MapFS{"pages/home.html": {Data: []byte("<h1>Home</h1>")}}, "pages")
	if err != nil {
		t.Fatal(err)
	}
	return web.New(web.Config{Pages: pages})
}

func get(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestErrorsBecomePagesWithTheStatusOfTheirKind(t *testing.T) {
	site := newSite(t)
	for kind, want := range map[fault.Kind]int{
		fault.NotFound: 404, fault.Invalid: 422, fault.Conflict: 409, fault.Unauthenticated: 401, fault.Forbidden: 403,
		fault.OverQuota: 403, fault.RateLimited: 429, fault.Unavailable: 503, fault.Internal: 500,
	} {
		h := site.Handle(func(http.ResponseWriter, *http.Request) error { return fault.New(kind, "Say <this>.") })
		w := get(h, "GET", "/")
		if w.Code != want {
			t.Errorf("%v: status %d, want %d", kind, w.Code, want)
		}
		page, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if shown := page.Find(".lede").Text(); kind != fault.Internal && shown != "Say <this>." {
			t.Errorf("%v: the page says %q", kind, shown)
		}
		if n := page.Find("h1").Length(); n != 1 {
			t.Errorf("%v: %d h1", kind, n)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v: an error may be cached", kind)
		}
	}
}

func TestInternalErrorsAreNotShown(t *testing.T) {
	h := newSite(t).Handle(func(http.ResponseWriter, *http.Request) error { return errors.New("password=hunter2") })
	for _, accept := range []string{"text/html", "application/json"} {
		if w := get(h, "GET", "/", "Accept", accept); strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s shows the error: %s", accept, w.Body)
		}
	}
}

func TestProblemJSONForThoseWhoAskForIt(t *testing.T) {
	h := newSite(t).Handle(func(http.ResponseWriter, *http.Request) error { return fault.Field("nick", "Too long.") })
	w := get(h, "GET", "/", "Accept", "application/json")
	if w.Code != 422 || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"nick":"Too long."`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestMuxAnswersWithPages(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /networks/{name}", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.PathValue("name"))) })
	h := newSite(t).Mux(mux)
	if w := get(h, "GET", "/networks/libera"); w.Body.String() != "libera" {
		t.Errorf("the mux was not asked: %q", w.Body)
	}
	if w := get(h, "GET", "/nothing"); w.Code != 404 || !strings.Contains(w.Body.String(), "<h1>No such page</h1>") {
		t.Errorf("404: %d %s", w.Code, w.Body)
	}
	if w := get(h, "POST", "/networks/libera"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("405: %d %v", w.Code, w.Header())
	}
}

func TestWritesFromOtherOriginsAreRefused(t *testing.T) {
	h, err := newSite(t).CrossOrigin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "http://auth.irc.localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]int{
		"": 200, "http://example.com": 200, "http://auth.irc.localhost:8080": 200,
		"http://evil.example": 403, "null": 403, "http://my.irc.localhost:8080": 403,
	} {
		if w := get(h, "POST", "http://example.com/", "Origin", origin); w.Code != want {
			t.Errorf("origin %q: status %d, want %d", origin, w.Code, want)
		}
	}
	if w := get(h, "POST", "/", "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("Sec-Fetch-Site cross-site: status %d", w.Code)
	}
}

func TestPolicyTakesEverythingAPageDoesNotNeed(t *testing.T) {
	w := get(web.Secure(http.NotFoundHandler(), web.Policy{FormAction: []string{"http://auth.irc.localhost:8080"}}), "GET", "/")
	csp := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "base-uri 'none'",
		"form-action 'self' http://auth.irc.localhost:8080",
	} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy lacks %q: %s", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") || w.Header().Get("Strict-Transport-Security") != "" {
		t.Errorf("headers: %v", w.Header())
	}
	if w := get(web.Secure(http.NotFoundHandler(), web.Policy{HTTPS: true}), "GET", "/"); w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS over TLS")
	}
}

func TestAPolicyNamesNothingThatNoBrowserAccepts(t *testing.T) {
	origins := []string{"http://[::1]", "http://127.0.0.1:*", "https://[2001:db8::1]:8443", "https://shop.example"}
	csp := get(web.Secure(http.NotFoundHandler(), web.Policy{FormAction: origins, Connect: origins}), "GET", "/").Header().Get("Content-Security-Policy")
	for _, directive := range []string{"form-action", "connect-src"} {
		if want := directive + " 'self' http://127.0.0.1:* https://shop.example;"; !strings.Contains(csp, want) {
			t.Errorf("policy lacks %q: %s", want, csp)
		}
	}
}

func TestConstantPagesAreRevalidated(t *testing.T) {
	renders := 0
	h := newSite(t).Once(func(w http.ResponseWriter) error {
		renders++
		w.Header().Set("Content-Type", "text/html")
		_, err := w.Write([]byte(strings.Repeat("hello ", 100)))
		return err
	})
	for _, encoding := range []string{"", "gzip", "gzip;q=0"} {
		first := get(h, "GET", "/", "Accept-Encoding", encoding)
		if first.Code != 200 || (first.Header().Get("Content-Encoding") == "gzip") != (encoding == "gzip") {
			t.Errorf("%q: %d %v", encoding, first.Code, first.Header())
		}
		again := get(h, "GET", "/", "Accept-Encoding", encoding, "If-None-Match", first.Header().Get("Etag"))
		if again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%q: again: %d with %d bytes", encoding, again.Code, again.Body.Len())
		}
	}
	if w := get(h, "HEAD", "/"); w.Body.Len() != 0 || w.Header().Get("Content-Length") != "600" {
		t.Errorf("HEAD: %d bytes, %v", w.Body.Len(), w.Header())
	}
	if renders != 1 {
		t.Errorf("rendered %d times", renders)
	}
}
