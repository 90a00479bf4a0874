package local

import (
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"irc.now/shared/design"
	"irc.now/shared/web"
)

//go:embed pages/*.html
var pages embed.FS

// site is a name that the HTTP port answers to.
type site struct {
	Name    string // below Domain; empty for Domain itself
	Title   string
	handler http.Handler
}

// router sends each request to the site its Host header names. A name that is not ours gets a page with those that
// are, which also keeps a foreign name that somebody points at loopback (DNS rebinding) away from everything.
func router(sites []site, port int, log *slog.Logger) (http.Handler, error) {
	byHost := map[string]http.Handler{}
	for _, s := range sites {
		byHost[web.CanonicalHost(strings.TrimPrefix(origin(s.Name, port), "http://"))] = s.handler
	}
	unknown, err := unknownHost(sites, port, log)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, ok := byHost[web.CanonicalHost(r.Host)]
		if !ok {
			handler = unknown
		}
		handler.ServeHTTP(w, r)
	}), nil
}

// unknownHost answers 421: this machine does not speak for that name (RFC 9110 section 15.5.20).
func unknownHost(sites []site, port int, log *slog.Logger) (http.Handler, error) {
	set, err := design.New(design.Site{Home: origin("", port)}, pages, "pages")
	if err != nil {
		return nil, fmt.Errorf("parse the router's pages: %w", err)
	}
	var links []design.Link
	for _, s := range sites {
		links = append(links, design.Link{Text: s.Title, URL: origin(s.Name, port)})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", design.Static())
	pages := web.New(web.Config{Log: log, Pages: set})
	mux.Handle("/", pages.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		return set.Render(w, http.StatusMisdirectedRequest, "unknown-host", design.Page{Title: "Which site?", NoIndex: true, Body: links})
	}))
	return web.Secure(mux, web.Policy{}), nil
}
