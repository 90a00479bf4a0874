package page

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"irc.now/shared/fault"
)

const (
	// maxStreams is how many pages of one user are followed at once.
	maxStreams = 4
	// writePatience is how long a page may take to read.
	writePatience = 20 * time.Second
)

// ErrGone says that a page that was followed is no longer there: nobody is left to tell.
var ErrGone = errors.New("the page was closed")

// Streams opens streams, a few per user. The zero value is ready; it is safe for concurrent use.
type Streams struct {
	mu   sync.Mutex
	open map[string]int
}

// Open begins a stream of server-sent events as the answer to a request of the user with that id. Length is how long it
// may last. The caller closes it.
func (s *Streams) Open(w http.ResponseWriter, userID string, length time.Duration) (*Stream, error) {
	if !s.enter(userID) {
		return nil, fault.New(fault.RateLimited, "You have this page open many times. Close some of them, and this one is kept up to date again.")
	}
	stream := &Stream{w: w, control: http.NewResponseController(w), leave: func() { s.leave(userID) }}
	// The server's own limits are for pages. A host that has none is no reason to stop.
	_ = stream.control.SetReadDeadline(time.Now().Add(length + time.Minute))
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	return stream, nil
}

// enter is false where a user has too many; each true needs a leave.
func (s *Streams) enter(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]int{}
	}
	if s.open[user] >= maxStreams {
		return false
	}
	s.open[user]++
	return true
}

func (s *Streams) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[user]--; s.open[user] == 0 {
		delete(s.open, user)
	}
}

// Stream writes server-sent events, each of which is on its way when its method returns. An error that is [ErrGone] says
// that the page was closed. It belongs to one goroutine.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	leave   func()
}

// Close gives the user's place to another page.
func (s *Stream) Close() { s.leave() }

// Send sends an event with its data.
func (s *Stream) Send(event string, html template.HTML) error {
	lines := strings.Split(string(html), "\n")
	return s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", event, strings.Join(lines, "\ndata: ")))
}

// Beat sends what nobody reads, so that a page that has gone is noticed.
func (s *Stream) Beat() error { return s.write(":\n\n") }

// Rest says that the stream ends on purpose: the page's script asks again when somebody is there.
func (s *Stream) Rest() error { return s.Send("rest", "") }

func (s *Stream) write(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writePatience)) // see Open
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	err := s.control.Flush()
	switch {
	case errors.Is(err, http.ErrNotSupported):
		return fmt.Errorf("send an event before the answer ends: %w", err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return nil
}
