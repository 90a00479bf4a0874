package design

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed templates
var templates embed.FS

// Set is the parsed pages of one site. It is safe for concurrent use.
type Set struct {
	site   Site
	pages  map[string]*template.Template
	frames frames
}

// view is the layout's dot.
type view struct {
	Page
	Site Site
	Name string // of the page, as a hook for CSS
	Main template.HTML
	frame
}

// New parses every NAME.html in dir of files as the page NAME of site. See the package comment for what
// a page looks like.
func New(site Site, files fs.FS, dir string) (*Set, error) {
	if site.Home == "" {
		site.Home = "/"
	}
	base, err := template.New("").Funcs(functions).ParseFS(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	if err := parseShared(base, files, dir); err != nil {
		return nil, err
	}
	s := &Set{site: site, pages: map[string]*template.Template{}}
	if err := s.add(base, templates, "templates/pages"); err != nil {
		return nil, err
	}
	return s, s.add(base, files, dir)
}

// parseShared parses the files whose name begins with an underscore into base.
func parseShared(base *template.Template, files fs.FS, dir string) error {
	names, err := fs.Glob(files, path.Join(dir, "_*.html"))
	if err != nil || len(names) == 0 {
		return err
	}
	if _, err := base.ParseFS(files, names...); err != nil {
		return fmt.Errorf("parse shared templates: %w", err)
	}
	return nil
}

func (s *Set) add(base *template.Template, files fs.FS, dir string) error {
	names, err := fs.Glob(files, path.Join(dir, "[^_]*.html"))
	if err != nil {
		return err
	}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read page: %w", err)
		}
		page, err := template.Must(base.Clone()).New("main").Parse(string(source))
		if err != nil {
			return fmt.Errorf("parse page %s: %w", name, err)
		}
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	return nil
}

// buffers holds the buffers pages are rendered to, so that a page that fails half-way is never sent.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes the page called name inside the layout, with status. Nothing is written when it fails.
func (s *Set) Render(w http.ResponseWriter, status int, name string, page Page) error {
	main, err := s.execute(name, "main", page.Body)
	if err != nil {
		return err
	}
	v := view{Page: page, Site: s.site, Name: name, Main: main}
	if v.frame, err = s.frameOf(v); err != nil {
		return err
	}
	return s.write(w, status, name, "layout", v)
}

// Fragment writes the block that the page called name {{define}}s, without the layout.
func (s *Set) Fragment(w http.ResponseWriter, status int, name, block string, data any) error {
	return s.write(w, status, name, block, data)
}

// HTML gives the block that the page called name {{define}}s, for a caller that keeps it: put into a later page's
// body it is shown as it is.
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
	t, ok := s.pages[page]
	if !ok {
		return "", fmt.Errorf("no page is called %q", page)
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, block, data); err != nil {
		return "", fmt.Errorf("render %s of page %s: %w", block, page, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // the output of html/template, already escaped
}

func (s *Set) write(w http.ResponseWriter, status int, page, block string, data any) error {
	t, ok := s.pages[page]
	if !ok {
		return fmt.Errorf("no page is called %q", page)
	}
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if err := t.ExecuteTemplate(b, block, data); err != nil {
		return fmt.Errorf("render %s of page %s: %w", block, page, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}
