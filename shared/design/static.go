package design

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// all: keeps the embedding valid when the fonts have not been fetched.
//
//go:embed all:static
var static embed.FS

// stylesheets are served as one file, app.css, in this order; fonts.css only where the fonts are there,
// so that a checkout without them asks for nothing it cannot get.
var stylesheets = []string{"fonts", "tokens", "base", "layout", "components", "irc", "prose", "site"}

// Preloaded fonts: the two that the first screen of every page is set in.
var preloaded = []string{"fonts/outfit-latin-wght-normal.woff2", "fonts/newsreader-latin-opsz-normal.woff2"}

// file is one static file in the forms it is sent in, each made at the first request for it.
type file struct {
	kind  string
	plain func() []byte
	gzips func() []byte // nil where it would not be smaller
}

// kinds are the media types by extension. They are ours and not the system's, which differ between systems.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8", ".woff2": "font/woff2",
}

// library is every static file by its path below /static/HASH/.
type library struct {
	hash  string
	files map[string]file
}

var assets = sync.OnceValue(loadLibrary)

// HasFonts reports whether the web fonts were fetched before the program was built (see fetch).
func HasFonts() bool {
	_, err := fs.Stat(static, "static/"+preloaded[0])
	return err == nil
}

// fontsVersion is what fetch writes beside the fonts: a hash of the file that pins their content.
const fontsVersion = "static/fonts/.version"

// loadLibrary makes the hash of every file, and keeps none: most requests are for none of them. Fonts are four fifths of
// all bytes and stand in it by name, size and version.
func loadLibrary() library {
	l := library{files: map[string]file{}}
	sum := sha256.New()
	version, _ := static.ReadFile(fontsVersion) // a checkout without fonts has none
	_, _ = fmt.Fprintln(sum, stylesheets, string(version))
	// WalkDir goes in lexical order, so that equal files give an equal hash. An embedded file can always be read.
	_ = fs.WalkDir(static, "static", func(name string, d fs.DirEntry, _ error) error {
		if d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return nil
		}
		if !strings.HasPrefix(name, "static/css/") {
			l.add(strings.TrimPrefix(name, "static/"), func() []byte { data, _ := static.ReadFile(name); return data })
		}
		if path.Ext(name) != ".woff2" {
			data, _ := static.ReadFile(name)
			_, _ = sum.Write(data)
		}
		if info, err := d.Info(); err == nil {
			_, _ = fmt.Fprintln(sum, name, info.Size())
		}
		return nil
	})
	l.add("app.css", bundle)
	l.hash = hex.EncodeToString(sum.Sum(nil))[:12]
	return l
}

func bundle() []byte {
	var b bytes.Buffer
	for _, name := range stylesheets {
		if name == "fonts" && !HasFonts() {
			continue
		}
		data, err := static.ReadFile("static/css/" + name + ".css")
		if err != nil {
			panic("design: a stylesheet is missing: " + name) // a build fault: found by the first test
		}
		b.Write(data)
	}
	return b.Bytes()
}

func (l library) add(name string, read func() []byte) {
	plain := sync.OnceValue(read)
	l.files[name] = file{
		kind: kinds[path.Ext(name)], plain: plain,
		gzips: sync.OnceValue(func() []byte { return compress(name, plain()) }),
	}
}

func compress(name string, data []byte) []byte {
	if path.Ext(name) == ".woff2" {
		return nil // is packed already
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = z.Write(data)                                  // a bytes.Buffer takes everything
	_ = z.Close()
	if b.Len() >= len(data) {
		return nil
	}
	return b.Bytes()
}

// Asset is the address of a file below static/: it changes with the content, so that it can be cached for ever.
func Asset(name string) string { return "/static/" + assets().hash + "/" + name }

// Static serves the files below /static/. Mount it at "GET /static/".
func Static() http.Handler { return http.HandlerFunc(serveStatic) }

func serveStatic(w http.ResponseWriter, r *http.Request) {
	l := assets()
	hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
	f, ok := l.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	// During a roll-out a page of one version may ask another version for its files: it gets these, uncached.
	h.Set("Cache-Control", "no-cache")
	if hash == l.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", f.kind)
	h.Set("Etag", strconv.Quote(l.hash))
	h.Add("Vary", "Accept-Encoding")
	data := f.plain()
	if AcceptsGzip(r) {
		if packed := f.gzips(); packed != nil {
			h.Set("Content-Encoding", "gzip")
			h.Set("Etag", strconv.Quote(l.hash+"-gzip"))
			data = packed
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// AcceptsGzip reports whether the client takes gzip (RFC 9110 section 12.5.3).
func AcceptsGzip(r *http.Request) bool {
	for _, item := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		coding, parameters, _ := strings.Cut(strings.TrimSpace(item), ";")
		if coding != "gzip" && coding != "*" {
			continue
		}
		q, weighted := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !weighted || err == nil && weight > 0
	}
	return false
}

func preload() []string {
	if !HasFonts() {
		return nil
	}
	urls := make([]string, len(preloaded))
	for i, name := range preloaded {
		urls[i] = Asset(name)
	}
	return urls
}
