package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnEventIsAnsweredWithoutABodyAndLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{"n":1}`))
	r.Header.Set("Ce-Id", "e-1")
	w := httptest.NewRecorder()
	routes(slog.New(slog.NewJSONHandler(&log, nil))).ServeHTTP(w, r)
	if w.Code != http.StatusAccepted || w.Body.Len() != 0 {
		t.Errorf("answered %d with %d bytes, want 202 with none", w.Code, w.Body.Len())
	}
	if !strings.Contains(log.String(), `"event":"e-1"`) {
		t.Errorf("the log does not name the event: %s", log.String())
	}
}

func TestWhatIsNoEventIsRefused(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	routes(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	if w.Code != http.StatusBadRequest {
		t.Errorf("answered %d, want 400", w.Code)
	}
}

func TestGetIsAnsweredWithALine(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	routes(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusOK || w.Body.String() != "hello\n" {
		t.Errorf("answered %d %q", w.Code, w.Body.String())
	}
}
