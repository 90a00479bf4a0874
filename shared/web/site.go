package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

// Handler answers a request or says why it could not. After writing, it returns nil.
type Handler func(http.ResponseWriter, *http.Request) error

// Config is what a Site needs. Page may be nil.
type Config struct {
	Log   *slog.Logger
	Pages *design.Set
	// Page gives what surrounds an error page: the signed-in user, the navigation. It must not fail.
	Page func(*http.Request) design.Page
}

// Site turns handlers' errors into pages.
type Site struct{ config Config }

// New makes a Site.
func New(c Config) *Site {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Page == nil {
		c.Page = func(*http.Request) design.Page { return design.Page{} }
	}
	return &Site{config: c}
}

// Handle is the adapter: it runs h and answers for it when it returns an error. Only internal errors and
// unavailability are logged, once; the other kinds are the visitor's business.
func (s *Site) Handle(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.Fail(w, r, err)
		}
	})
}

// statusError is an error whose status the kinds do not cover.
type statusError struct {
	error
	status int
}

func (e statusError) Unwrap() error { return e.error }

// Status is the HTTP status for err's kind.
func Status(err error) int {
	if e, ok := errors.AsType[statusError](err); ok {
		return e.status
	}
	return httpfault.Status(err)
}

// Fail answers r for err: a page, or problem+json (RFC 9457) for clients that ask for JSON.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	status := Status(err)
	if status >= http.StatusInternalServerError {
		s.config.Log.ErrorContext(r.Context(), "request failed",
			slog.String("method", r.Method), slog.String("route", r.Pattern), slog.Int("status", status), slog.Any("error", err))
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "10")
	}
	if wantsJSON(r) {
		s.problem(w, r, status, err)
		return
	}
	s.page(w, r, status, err)
}

func (s *Site) page(w http.ResponseWriter, r *http.Request, status int, err error) {
	reference := ""
	if status >= http.StatusInternalServerError {
		reference = w.Header().Get("X-Request-Id") // set by the function runtime
	}
	failed := s.config.Pages.RenderError(w, status, s.config.Page(r), fault.Sentence(err), reference)
	if failed != nil {
		s.config.Log.ErrorContext(r.Context(), "error page failed", slog.Any("error", failed))
	}
}

func (s *Site) problem(w http.ResponseWriter, r *http.Request, status int, err error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	failed := json.NewEncoder(w).Encode(struct {
		Title  string            `json:"title"`
		Status int               `json:"status"`
		Detail string            `json:"detail"`
		Errors map[string]string `json:"errors,omitempty"`
	}{http.StatusText(status), status, fault.Sentence(err), fault.FieldsOf(err)})
	if failed != nil {
		s.config.Log.DebugContext(r.Context(), "client went away", slog.Any("error", failed))
	}
}

// wantsJSON reports whether the client named JSON, and not HTML, among what it accepts.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// Mux serves mux, with pages for the 404 and 405 that it would answer itself.
func (s *Site) Mux(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r) // again through the mux: only it sets the path values
			return
		}
		refused := refusal{ResponseWriter: w}
		h.ServeHTTP(&refused, r)
		s.Fail(w, r, refused.err())
	})
}

// refusal takes the mux's own answer: its status and Allow header, but not its text.
type refusal struct {
	http.ResponseWriter
	status int
}

func (f *refusal) WriteHeader(status int)      { f.status = status }
func (f *refusal) Write(p []byte) (int, error) { return len(p), nil }

func (f *refusal) err() error {
	if f.status == http.StatusMethodNotAllowed {
		return statusError{fault.New(fault.NotFound, "This address does not take that kind of request."), f.status}
	}
	return NotFound
}

// NotFound is what a handler returns for a page that does not exist.
var NotFound = fault.New(fault.NotFound, "There is nothing at this address. It may have been moved, or mistyped.")

// CrossOrigin refuses writes that a browser sends from another origin (see http.CrossOriginProtection).
// Trusted origins may write, too: "https://auth.irc.now". It must stand outside every handler that writes.
func (s *Site) CrossOrigin(next http.Handler, trusted ...string) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(s.Handle(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Forbidden, "This request came from another site. Go back to irc.now and try again from there.")
	}))
	return protection.Handler(next), nil
}
