package design

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

func get(target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), "GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Static().ServeHTTP(w, r)
	return w
}

// A program built without the fonts works, but it is not what we ship: this test says how to get them.
func TestFontsWereFetched(t *testing.T) {
	if !HasFonts() {
		t.Fatal("the web fonts are missing: run “go run ./shared/design/fetch” (or “make assets”)")
	}
	css, err := os.ReadFile("static/css/fonts.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`url\(([^)]+)\)`).FindAllSubmatch(css, -1) {
		w := get(Asset(string(m[1])))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "font/woff2" || !bytes.HasPrefix(w.Body.Bytes(), []byte("wOF2")) {
			t.Errorf("%s: status %d, %v", m[1], w.Code, w.Header())
		}
	}
	for _, name := range preloaded {
		if get(Asset(name)).Code != http.StatusOK {
			t.Errorf("%s is preloaded but not there", name)
		}
	}
}

func TestFilesAreCachedForEverUnderTheirHash(t *testing.T) {
	w := get(Asset("app.css"))
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	if again := get(Asset("app.css"), "If-None-Match", w.Header().Get("Etag")); again.Code != http.StatusNotModified {
		t.Errorf("again: status %d", again.Code)
	}
	if other := get("/static/0123456789ab/app.css"); other.Code != http.StatusOK || other.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("under another hash: status %d, %v", other.Code, other.Header())
	}
	for _, name := range []string{"", "nothing", "css/tokens.css", "../doc.go", "js", "js/"} {
		if w := get(Asset(name)); w.Code != http.StatusNotFound {
			t.Errorf("%q: status %d", name, w.Code)
		}
	}
}

func TestTextIsCompressed(t *testing.T) {
	w := get(Asset("app.css"), "Accept-Encoding", "br, gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", w.Header())
	}
	if w.Body.Len() > 9_000 {
		t.Errorf("the stylesheet has grown to %d bytes compressed", w.Body.Len())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if css, err := io.ReadAll(z); err != nil || !bytes.Equal(css, get(Asset("app.css")).Body.Bytes()) {
		t.Errorf("the compressed stylesheet differs: %v", err)
	}
	if get(Asset("app.css"), "Accept-Encoding", "gzip;q=0").Header().Get("Content-Encoding") != "" {
		t.Error("compressed although the client refuses that")
	}
}

func TestEveryFileHasAMediaType(t *testing.T) {
	for name, f := range assets().files {
		if f.kind == "" {
			t.Errorf("%s has none: add its extension to kinds", name)
		}
	}
}
