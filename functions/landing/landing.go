// Package landing is the public site: what irc.now is, how to use it, and the living page of the design system.
//
// It needs no database and knows nobody: every page is rendered once and is the same for every visitor.
package landing

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"irc.now/shared/config"
	"irc.now/shared/design"
	"irc.now/shared/function"
	"irc.now/shared/guide"
	"irc.now/shared/web"
)

//go:embed all:pages
var files embed.FS

// settings are the environment of the function.
type settings struct {
	BaseURL   config.URL `env:"BASE_URL,required,notEmpty"`   // of this site
	PortalURL config.URL `env:"PORTAL_URL,required,notEmpty"` // where people sign up
	Host      string     `env:"IRC_HOST,required,notEmpty"`   // where IRC clients connect
	Port      int        `env:"IRC_PORT,required,notEmpty"`   // the port there
	TLS       *bool      `env:"IRC_TLS"`                      // whether they do so with TLS; by default on every port but 6667
	// ProPrice is what Pro costs, in words such as "$4 a month". Empty where the portal sells nothing.
	ProPrice string `env:"PRO_PRICE"`
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	if s.Port < 0 || s.Port > 65535 {
		return errors.New("IRC_PORT must be a port number, 1 to 65535")
	}
	return nil
}

func (s *settings) connection() guide.Connection {
	tls := s.Port != 6667
	if s.TLS != nil {
		tls = *s.TLS
	}
	return guide.Connection{Host: s.Host, Port: s.Port, TLS: tls}
}

// Function is the landing site. Its zero value must be started before it handles requests.
type Function struct {
	log     *slog.Logger
	handler http.Handler
}

// New makes the function; Start makes it ready.
func New() *Function { return &Function{} }

// Instrument tells the function where to log; it must be called before Start, if at all.
func (f *Function) Instrument(with function.Instruments) { f.log = with.Log }

// Start reads the settings and parses every page.
func (f *Function) Start(_ context.Context, environ map[string]string) error {
	var s settings
	if err := config.Load(environ, &s); err != nil {
		return err
	}
	pages, err := design.New(siteFor(&s), files, "pages")
	if err != nil {
		return err
	}
	f.handler = routes(&s, pages, f.log)
	return nil
}

// Handle answers one request.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }

// Ready reports whether Start has succeeded.
func (f *Function) Ready(context.Context) (bool, error) { return f.handler != nil, nil }

// Stop has nothing to stop.
func (f *Function) Stop(context.Context) error { return nil }

func siteFor(s *settings) design.Site {
	return design.Site{
		Nav: []design.Link{
			{Text: "Docs", URL: "/docs"}, {Text: "Clients", URL: "/clients"},
			{Text: "Pricing", URL: "/pricing"}, {Text: "What is IRC?", URL: "/what-is-irc"},
		},
		Action: &design.Link{Text: "Sign in", URL: s.PortalURL.Join("/")},
		Footer: []design.Link{
			{Text: "Docs", URL: "/docs"}, {Text: "Clients", URL: "/clients"}, {Text: "Questions", URL: "/faq"},
			{Text: "Pricing", URL: "/pricing"}, {Text: "Design", URL: "/design"},
		},
	}
}

func routes(s *settings, pages *design.Set, log *slog.Logger) http.Handler {
	site := web.New(web.Config{Log: log, Pages: pages})
	mux := http.NewServeMux()
	mux.Handle("GET /static/", design.Static())
	for _, p := range publicPages {
		mux.Handle("GET "+p.pattern(), site.Once(func(w http.ResponseWriter) error { return p.render(w, s, pages) }))
	}
	mux.Handle("GET /robots.txt", site.Once(text("text/plain; charset=utf-8", robots(s))))
	mux.Handle("GET /sitemap.xml", site.Once(text("application/xml", sitemap(s))))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, design.Asset("favicon.svg"), http.StatusFound)
	})
	return web.Secure(site.Mux(mux), web.Policy{HTTPS: s.BaseURL.HTTPS()})
}

// text renders what is for machines.
func text(kind, body string) func(http.ResponseWriter) error {
	return func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", kind)
		_, err := w.Write([]byte(body))
		return err
	}
}

func robots(s *settings) string {
	return "User-agent: *\nAllow: /\n\nSitemap: " + s.BaseURL.Join("/sitemap.xml") + "\n"
}

func sitemap(s *settings) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + "\n")
	for _, p := range publicPages {
		if !p.unlisted {
			b.WriteString("<url><loc>" + s.BaseURL.Join(p.path) + "</loc></url>\n") // both parts are ours: nothing to escape
		}
	}
	b.WriteString("</urlset>\n")
	return b.String()
}
