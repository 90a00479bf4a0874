package portaltest

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Stream is an open page that is followed, without the page.
type Stream struct {
	t     testing.TB
	body  *bufio.Scanner
	close func() error
}

// Follow opens the stream at path and wants it to be one.
func (p *Person) Follow(path string) *Stream {
	p.t.Helper()
	response := p.Open(path) //nolint:bodyclose // closed when the test ends
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		p.t.Fatalf("status %d, %s", response.StatusCode, kind)
	}
	return &Stream{p.t, bufio.NewScanner(response.Body), response.Body.Close}
}

// Open asks for what may not end, and closes it when the test ends.
func (p *Person) Open(path string) *http.Response {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.rig.URL+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := p.Client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = response.Body.Close() }) // the test may have closed it
	return response
}

// Next is the next event and its data; both are empty at the end.
func (s *Stream) Next() (event, data string) {
	var lines []string
	for s.body.Scan() {
		field, value, _ := strings.Cut(s.body.Text(), ": ")
		switch {
		case field == "event":
			event = value
		case field == "data":
			lines = append(lines, value)
		case s.body.Text() == "" && event != "":
			return event, strings.Join(lines, "\n")
		}
	}
	return "", ""
}

// Says wants the next event to be a state whose part id says text.
func (s *Stream) Says(id, text string) *goquery.Document {
	s.t.Helper()
	event, data := s.Next()
	page, err := goquery.NewDocumentFromReader(strings.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	if got := page.Find(`[data-live-id="` + id + `"]`).Text(); event != "state" || !strings.Contains(got, text) {
		s.t.Errorf("event %q: %s says %q, want %q", event, id, got, text)
	}
	return page
}

// Close closes the page.
func (s *Stream) Close() {
	s.t.Helper()
	if err := s.close(); err != nil {
		s.t.Errorf("the stream cannot be closed: %v", err)
	}
}
