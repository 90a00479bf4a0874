package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"irc.now/shared/design"
)

// Once serves a page that is the same for everybody: it is rendered at its first request, then kept, with an
// entity tag. An error of render answers every request.
func (s *Site) Once(render func(http.ResponseWriter) error) http.Handler {
	kept := sync.OnceValues(func() (*constant, error) { return newConstant(render) })
	return s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		c, err := kept()
		if err != nil {
			return err
		}
		c.serve(w, r)
		return nil
	})
}

// constant is a response that never changes while the program runs.
type constant struct {
	header http.Header
	plain  []byte
	gzips  func() []byte // plain, packed at the first request that takes it so
	tag    string
}

func newConstant(render func(http.ResponseWriter) error) (*constant, error) {
	var record recorder
	if err := render(&record); err != nil {
		return nil, err
	}
	body := record.body.Bytes()
	record.Header().Del("Content-Length")
	sum := sha256.Sum256(body)
	return &constant{header: record.header, plain: body, gzips: sync.OnceValue(func() []byte { return compress(body) }), tag: hex.EncodeToString(sum[:8])}, nil
}

func compress(body []byte) []byte {
	var packed bytes.Buffer
	// A program that has just started owes somebody this page: the best compression takes as long as rendering it.
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // the level is valid
	_, _ = z.Write(body)                                 // a bytes.Buffer takes everything
	_ = z.Close()
	return packed.Bytes()
}

// serve answers GET and HEAD, and 304 to a client that has this version (RFC 9110 section 13.1.2).
func (c *constant) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range c.header {
		h[name] = values
	}
	h.Set("Cache-Control", "public, max-age=300")
	h.Add("Vary", "Accept-Encoding")
	body, tag := c.plain, `"`+c.tag+`"`
	if design.AcceptsGzip(r) {
		body, tag = c.gzips(), `"`+c.tag+`-gzip"`
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
