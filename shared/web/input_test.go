package web_test

import (
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"irc.now/shared/web"
)

func TestFormTakesOnlyCleanText(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		kind, body string
		want       int // 0: taken
	}{
		"plain":        {form, "nick=ada&nick=bob", 0},
		"utf-8":        {form + "; charset=utf-8", "nick=%C3%A4da", 0},
		"NUL":          {form, "nick=a%00b", 400},
		"NUL in name":  {form, "ni%00ck=ab", 400},
		"not UTF-8":    {form, "nick=%ff", 400},
		"bad escape":   {form, "nick=%zz", 400},
		"too long":     {form, "nick=" + strings.Repeat("a", 2000), 413},
		"json":         {"application/json", `{"nick":"ada"}`, 415},
		"no type":      {"", "nick=ada", 415},
		"multipart":    {"multipart/form-data; boundary=x", "--x--", 415},
		"query unread": {form, "", 0},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/?nick=fromquery", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		err := web.Form(httptest.NewRecorder(), r, 1000)
		if c.want == 0 && err != nil || c.want != 0 && web.Status(err) != c.want {
			t.Errorf("%s: %v (status %d), want %d", name, err, web.Status(err), c.want)
		}
		if err == nil && r.PostForm.Get("nick") == "fromquery" {
			t.Errorf("%s: the query string got into the form", name)
		}
	}
}

func TestRedirectsStayHere(t *testing.T) {
	for target, want := range map[string]string{
		"/networks?x=1#y":      "/networks?x=1#y",
		"/":                    "/",
		"":                     "/",
		"networks":             "/",
		"//evil.example":       "/",
		"///evil.example":      "/",
		"/\\evil.example":      "/",
		"/\t/evil.example":     "/",
		"\t//evil.example":     "/",
		"https://evil.example": "/",
		"javascript:alert(1)":  "/",
		"/a\r\nSet-Cookie: b":  "/",
		"/%zz":                 "/",
		"/a/../b":              "/a/../b",
	} {
		if got := web.LocalPath(target); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", target, got, want)
		}
	}
}

func FuzzLocalPathNeverLeavesTheSite(f *testing.F) {
	for _, seed := range []string{"/", "//a", "/\\a", "/a?b#c", "http://a", "/\t/a", "/@a", "/a:b"} {
		f.Add(seed)
	}
	here, err := url.Parse("http://my.irc.localhost:8080/auth/callback")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		local := web.LocalPath(target)
		// What a browser does first: drop tabs and line breaks, read backslashes as slashes.
		seen := strings.NewReplacer("\t", "", "\r", "", "\n", "", "\\", "/").Replace(local)
		to, err := here.Parse(seen)
		if err != nil || to.Host != here.Host || to.Scheme != here.Scheme {
			t.Errorf("LocalPath(%q) = %q leads to %v (%v)", target, local, to, err)
		}
	})
}

func TestClientIPBelievesOnlyOurProxies(t *testing.T) {
	for _, c := range []struct {
		peer, forwarded string
		proxies         int
		want            string
	}{
		{"192.0.2.1:99", "203.0.113.9", 0, "192.0.2.1"},
		{"10.0.0.1:99", "203.0.113.9", 1, "203.0.113.9"},
		{"10.0.0.1:99", "6.6.6.6, 203.0.113.9", 1, "203.0.113.9"},
		{"10.0.0.1:99", "6.6.6.6, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"},
		{"10.0.0.1:99", "203.0.113.9", 2, "10.0.0.1"},
		{"10.0.0.1:99", "nonsense", 1, "10.0.0.1"},
		{"10.0.0.1:99", "", 1, "10.0.0.1"},
		{"[::ffff:192.0.2.1]:99", "", 0, "192.0.2.1"},
		{"[2001:db8::1]:99", "", 0, "2001:db8::1"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := web.ClientIP(r, c.proxies); got != netip.MustParseAddr(c.want) {
			t.Errorf("%+v: got %v", c, got)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	r.RemoteAddr = "@"
	if got := web.ClientIP(r, 0); got.IsValid() {
		t.Errorf("no address: got %v", got)
	}
}
