package design

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed templates
var templates embed.FS

// Set is the pages of one site. It is safe for concurrent use.
type Set struct {
	site  Site
	base  parsed
	pages map[string]parsed

	frames   *cache[frameKey, frame]
	visitors *cache[visitorKey, template.HTML]
}

// parsed gives a page, which is parsed at the first call.
type parsed func() (*template.Template, error)

// New takes every NAME.html in dir of files as the page NAME of site. See the package comment for what a page looks
// like. A page is parsed when it is first shown, so that a program need not parse them all before it can answer;
// [Set.Parse] finds mistakes before that.
func New(site Site, files fs.FS, dir string) (*Set, error) {
	if site.Home == "" {
		site.Home = "/"
	}
	go assets() // on another processor, while the first page is parsed; it ends by itself within a millisecond
	s := &Set{
		site: site, pages: map[string]parsed{},
		frames: newCache[frameKey, frame](256), visitors: newCache[visitorKey, template.HTML](2048),
	}
	s.base = sync.OnceValues(func() (*template.Template, error) { return parseBase(files, dir) })
	ours, err := namesIn(templates, "templates/pages")
	if err != nil {
		return nil, err
	}
	theirs, err := namesIn(files, dir)
	if err != nil {
		return nil, err
	}
	s.take(templates, ours)
	s.take(files, theirs) // a site may have its own page for errors
	return s, nil
}

// Parse parses every page that was not parsed yet, and reports all mistakes in them.
func (s *Set) Parse() error {
	var mistakes []error
	for _, page := range s.pages {
		_, err := page()
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// parseBase parses what all pages are built on: the layout, and the files whose name begins with an underscore.
func parseBase(files fs.FS, dir string) (*template.Template, error) {
	base, err := template.New("").Funcs(functions).ParseFS(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	names, err := fs.Glob(files, path.Join(dir, "_*.html"))
	if err != nil || len(names) == 0 {
		return base, err
	}
	if _, err := base.ParseFS(files, names...); err != nil {
		return nil, fmt.Errorf("parse shared templates: %w", err)
	}
	return base, nil
}

// Add takes the pages in another folder, for a site whose parts are in packages of their own. They share what New's folder
// shares, and no name with another page. Call it before the first page is shown.
func (s *Set) Add(files fs.FS, dir string) error {
	names, err := namesIn(files, dir)
	if err != nil {
		return err
	}
	for page := range names {
		if _, taken := s.pages[page]; taken {
			return fmt.Errorf("two pages are called %q", page)
		}
	}
	s.take(files, names)
	return nil
}

// namesIn are the files of the pages in dir, by the page's name.
func namesIn(files fs.FS, dir string) (map[string]string, error) {
	found, err := fs.Glob(files, path.Join(dir, "[^_]*.html"))
	names := map[string]string{}
	for _, name := range found {
		names[strings.TrimSuffix(path.Base(name), ".html")] = name
	}
	return names, err
}

func (s *Set) take(files fs.FS, names map[string]string) {
	for page, name := range names {
		s.pages[page] = sync.OnceValues(func() (*template.Template, error) { return parsePage(s.base, files, name) })
	}
}

func parsePage(base parsed, files fs.FS, name string) (*template.Template, error) {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	shared, err := base()
	if err != nil {
		return nil, err
	}
	page, err := template.Must(shared.Clone()).New("main").Parse(string(source))
	if err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	return page, nil
}

// page gives the page called name.
func (s *Set) page(name string) (*template.Template, error) {
	page, ok := s.pages[name]
	if !ok {
		return nil, fmt.Errorf("no page is called %q", name)
	}
	return page()
}

// buffers holds the buffers pages are rendered to, so that a page that fails half-way is never sent.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes the page called name inside the layout, with status. Nothing is written when it fails.
func (s *Set) Render(w http.ResponseWriter, status int, name string, page Page) error {
	return send(w, status, func(b *bytes.Buffer) error { return s.compose(b, view{Page: page, Site: s.site, Name: name}) })
}

// Fragment writes the block that the page called name {{define}}s, without the layout.
func (s *Set) Fragment(w http.ResponseWriter, status int, name, block string, data any) error {
	return send(w, status, func(b *bytes.Buffer) error { return s.executeTo(b, name, block, data) })
}

// HTML gives the block that the page called name {{define}}s, for a caller that keeps it; "main" is what is not defined as
// a block. Put into a later page's body, or in place of it, it is shown as it is.
func (s *Set) HTML(name, block string, data any) (template.HTML, error) {
	return s.execute(name, block, data)
}

// RenderError writes the page for a failed request. Reference helps support to find it in the log; it may be empty.
func (s *Set) RenderError(w http.ResponseWriter, status int, page Page, sentence, reference string) error {
	page.Title = http.StatusText(status)
	page.NoIndex = true
	page.Body = struct {
		Status              int
		Sentence, Reference string
		Home                string
	}{status, sentence, reference, s.site.Home}
	return s.Render(w, status, "error", page)
}

func (s *Set) execute(page, block string, data any) (template.HTML, error) {
	var b strings.Builder
	err := s.executeTo(&b, page, block, data)
	return template.HTML(b.String()), err //nolint:gosec // the output of html/template, already escaped
}

func (s *Set) executeTo(w io.Writer, page, block string, data any) error {
	t, err := s.page(page)
	if err != nil {
		return err
	}
	if err := t.ExecuteTemplate(w, block, data); err != nil {
		return fmt.Errorf("render %s of page %s: %w", block, page, err)
	}
	return nil
}

// send writes what render makes.
func send(w http.ResponseWriter, status int, render func(*bytes.Buffer) error) error {
	b := buffers.Get().(*bytes.Buffer) //nolint:errcheck // nothing else is ever put into the pool
	defer buffers.Put(b)
	b.Reset()
	if err := render(b); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}
