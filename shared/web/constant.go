package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"irc.now/shared/design"
)

// Once renders a page that is the same for everybody: ready to be sent again and again, with an entity tag.
func Once(render func(http.ResponseWriter) error) (http.Handler, error) {
	var record recorder
	if err := render(&record); err != nil {
		return nil, err
	}
	return newConstant(record.Header(), record.body.Bytes())
}

// constant is a response that never changes while the program runs.
type constant struct {
	header       http.Header
	plain, gzips []byte
	tag          string
}

func newConstant(header http.Header, body []byte) (http.Handler, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	header.Del("Content-Length")
	sum := sha256.Sum256(body)
	return constant{header: header, plain: body, gzips: packed.Bytes(), tag: hex.EncodeToString(sum[:8])}, nil
}

// ServeHTTP answers GET and HEAD, and 304 to a client that has this version (RFC 9110 section 13.1.2).
func (c constant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range c.header {
		h[name] = values
	}
	h.Set("Cache-Control", "public, max-age=300")
	h.Add("Vary", "Accept-Encoding")
	body, tag := c.plain, `"`+c.tag+`"`
	if design.AcceptsGzip(r) {
		body, tag = c.gzips, `"`+c.tag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Etag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}

// recorder keeps a response.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func (c *recorder) Header() http.Header {
	if c.header == nil {
		c.header = http.Header{}
	}
	return c.header
}

func (c *recorder) WriteHeader(int)             {}
func (c *recorder) Write(p []byte) (int, error) { return c.body.Write(p) }
