package landing_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"irc.now/functions/landing"
)

var environ = map[string]string{
	"BASE_URL": "https://irc.now", "PORTAL_URL": "https://my.irc.now", "IRC_HOST": "irc.now", "IRC_PORT": "6697",
}

// paths are all the pages there are.
var paths = []string{
	"/", "/docs", "/docs/passwords", "/docs/networks", "/docs/history", "/clients", "/pricing", "/faq", "/what-is-irc", "/design",
}

func start(t *testing.T, changes ...string) *landing.Function {
	t.Helper()
	env := map[string]string{}
	for name, value := range environ {
		env[name] = value
	}
	for i := 0; i < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
	}
	f := landing.New()
	if err := f.Start(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if ready, err := f.Ready(t.Context()); !ready || err != nil {
		t.Fatalf("ready: %v, %v", ready, err)
	}
	return f
}

func request(f *landing.Function, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.Handle(w, r)
	return w
}

func fetch(t *testing.T, f *landing.Function, path string) *goquery.Document {
	t.Helper()
	w := request(f, "GET", path)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", path, w.Code)
	}
	page, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestEveryPageIsWhole(t *testing.T) {
	f := start(t)
	titles, descriptions := map[string]string{}, map[string]string{}
	for _, path := range paths {
		page := fetch(t, f, path)
		for selector, want := range map[string]int{
			"h1": 1, "main": 1, "header.bar": 1, "footer": 1, "html[lang]": 1, "a.skip[href='#main']": 1,
			"meta[name=viewport]": 1, "link[rel=icon]": 1, "style, [style], [onclick], script:not([src])": 0, "img:not([alt])": 0,
		} {
			if got := page.Find(selector).Length(); got != want {
				t.Errorf("%s: %d of %q, want %d", path, got, selector, want)
			}
		}
		title, description := page.Find("title").Text(), page.Find("meta[name=description]").AttrOr("content", "")
		if other, taken := titles[title]; taken || !strings.HasSuffix(title, " · irc.now") {
			t.Errorf("%s: title %q (also of %q)", path, title, other)
		}
		if other, taken := descriptions[description]; taken || len(description) < 40 || len(description) > 170 {
			t.Errorf("%s: description of %d characters (also of %q): %q", path, len(description), other, description)
		}
		titles[title], descriptions[description] = path, path
		if got := page.Find("link[rel=canonical]").AttrOr("href", ""); got != "https://irc.now"+path {
			t.Errorf("%s: canonical %q", path, got)
		}
		checkHeadings(t, path, page)
		checkIDs(t, path, page)
	}
}

// checkHeadings finds headings that skip a level.
func checkHeadings(t *testing.T, path string, page *goquery.Document) {
	level := 0
	page.Find("h1, h2, h3, h4").Each(func(_ int, h *goquery.Selection) {
		now := int(goquery.NodeName(h)[1] - '0')
		if now > level+1 {
			t.Errorf("%s: heading %q skips a level", path, h.Text())
		}
		level = now
	})
}

func checkIDs(t *testing.T, path string, page *goquery.Document) {
	seen := map[string]bool{}
	page.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if seen[id] {
			t.Errorf("%s: two elements have the id %q", path, id)
		}
		seen[id] = true
	})
	page.Find("[aria-labelledby], [aria-describedby]").Each(func(_ int, s *goquery.Selection) {
		for _, id := range strings.Fields(s.AttrOr("aria-labelledby", "") + " " + s.AttrOr("aria-describedby", "")) {
			if !seen[id] {
				t.Errorf("%s: nothing has the id %q", path, id)
			}
		}
	})
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	f := start(t)
	for _, path := range paths {
		fetch(t, f, path).Find("[href], [src], form[action]").Each(func(_ int, s *goquery.Selection) {
			link := s.AttrOr("href", s.AttrOr("src", s.AttrOr("action", "")))
			target, err := url.Parse(link)
			if err != nil || link == "" {
				t.Errorf("%s: link %q: %v", path, link, err)
				return
			}
			checkLink(t, f, path, target)
		})
	}
}

func checkLink(t *testing.T, f *landing.Function, path string, target *url.URL) {
	if target.IsAbs() {
		if target.Scheme != "https" {
			t.Errorf("%s: %v is not encrypted", path, target)
		}
		return
	}
	if target.Path == "" {
		target.Path = path
	}
	w := request(f, "GET", target.Path)
	if w.Code != http.StatusOK {
		t.Errorf("%s: link to %v: status %d", path, target, w.Code)
		return
	}
	if target.Fragment == "" {
		return
	}
	page, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if page.Find("[id='"+target.Fragment+"']").Length() != 1 {
		t.Errorf("%s: link to %v: nothing has that id", path, target)
	}
}

func TestOnlyOneLinkIsCurrent(t *testing.T) {
	f := start(t)
	for path, want := range map[string]string{"/docs": "Docs", "/clients": "Clients", "/": ""} {
		if got := fetch(t, f, path).Find(".nav [aria-current=page]").Text(); got != want {
			t.Errorf("%s: current link %q, want %q", path, got, want)
		}
	}
}

func TestPagesFollowTheSettings(t *testing.T) {
	local := start(t, "IRC_HOST", "localhost", "IRC_PORT", "6667", "PORTAL_URL", "http://my.irc.localhost:8080")
	clients := fetch(t, local, "/clients").Text()
	for _, want := range []string{"-notls -network ircnow localhost 6667", "irc+insecure://localhost:6667", "a phone cannot reach it"} {
		if !strings.Contains(clients, want) {
			t.Errorf("the client page does not say %q", want)
		}
	}
	if portal := fetch(t, local, "/").Find(".hero .button-primary").AttrOr("href", ""); portal != "http://my.irc.localhost:8080/" {
		t.Errorf("the button leads to %q", portal)
	}
	if !strings.Contains(fetch(t, start(t), "/clients").Text(), "ircs://irc.now:6697") {
		t.Error("the client page does not use TLS on port 6697")
	}
	if !strings.Contains(fetch(t, start(t, "IRC_TLS", "false"), "/clients").Text(), "irc+insecure://irc.now:6697") {
		t.Error("IRC_TLS=false has no effect")
	}
}

func TestPricesNameTheEntitlements(t *testing.T) {
	text := strings.Join(strings.Fields(fetch(t, start(t), "/pricing").Find("table").Text()), " ")
	if !strings.Contains(text, "IRC networks1unlimited") || !strings.Contains(text, "48 hours") {
		t.Errorf("the table says %q", text)
	}
}

func TestPricingSaysWhatCanBeBought(t *testing.T) {
	if text := fetch(t, start(t), "/pricing").Text(); !strings.Contains(text, "takes no payments") {
		t.Errorf("without a price the page says %q", text)
	}
	page := fetch(t, start(t, "PRO_PRICE", "$4 a month"), "/pricing")
	if text := page.Text(); strings.Contains(text, "takes no payments") || !strings.Contains(text, "$4 a month") {
		t.Errorf("with a price the page says %q", text)
	}
	if page.Find(`a[href$="/billing"]`).Length() != 1 {
		t.Error("there is no way to buy")
	}
}

func TestAddressesThatAreNotThere(t *testing.T) {
	f := start(t)
	w := request(f, "GET", "/nothing")
	page, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusNotFound || page.Find("h1").Text() != "No such page" || page.Find("meta[name=robots][content=noindex]").Length() != 1 {
		t.Errorf("status %d, heading %q", w.Code, page.Find("h1").Text())
	}
	if w := request(f, "POST", "/docs"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: status %d, %v", w.Code, w.Header())
	}
	if w := request(f, "GET", "/favicon.ico"); w.Code != http.StatusFound {
		t.Errorf("favicon.ico: status %d", w.Code)
	}
}

func TestHeadersOfPages(t *testing.T) {
	f := start(t)
	for _, path := range append(paths, "/robots.txt", "/sitemap.xml") {
		get, head := request(f, "GET", path), request(f, "HEAD", path)
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") {
			t.Errorf("HEAD %s: status %d, %d bytes, %v", path, head.Code, head.Body.Len(), head.Header())
		}
		if got := get.Header().Get("Cache-Control"); got != "public, max-age=300" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		if w := request(f, "GET", path, "If-None-Match", get.Header().Get("Etag")); w.Code != http.StatusNotModified {
			t.Errorf("%s: status %d for the version the client has", path, w.Code)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'", "Strict-Transport-Security": "max-age="} {
			if got := get.Header().Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestPagesAreSmall(t *testing.T) {
	f := start(t)
	for _, path := range paths {
		w := request(f, "GET", path, "Accept-Encoding", "gzip")
		if w.Body.Len() > 10_000 {
			t.Errorf("%s: %d bytes compressed", path, w.Body.Len())
		}
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, z); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSitemapListsWhatIsForEverybody(t *testing.T) {
	f := start(t)
	page, err := goquery.NewDocumentFromReader(request(f, "GET", "/sitemap.xml").Body)
	if err != nil {
		t.Fatal(err)
	}
	if n := page.Find("loc").Length(); n != len(paths)-1 {
		t.Errorf("the sitemap lists %d pages", n)
	}
	if robots := request(f, "GET", "/robots.txt").Body.String(); !strings.Contains(robots, "Sitemap: https://irc.now/sitemap.xml") {
		t.Errorf("robots.txt: %s", robots)
	}
}

func TestMissingSettingsAreNamedAllAtOnce(t *testing.T) {
	err := landing.New().Start(t.Context(), map[string]string{"IRC_PORT": "99999"})
	if err == nil {
		t.Fatal("started without settings")
	}
	for _, name := range []string{"BASE_URL", "PORTAL_URL", "IRC_HOST", "IRC_PORT"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
