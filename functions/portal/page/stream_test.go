package page_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"irc.now/functions/portal/page"
	"irc.now/shared/fault"
)

// closed is the answer to a browser that has gone.
type closed struct{ http.ResponseWriter }

func (closed) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// held is an answer that is kept back until it ends, as some hosts do.
type held struct{ http.ResponseWriter }

func (h held) Header() http.Header            { return h.ResponseWriter.Header() }
func (h held) Write(text []byte) (int, error) { return h.ResponseWriter.Write(text) }

// open opens a stream on w.
func open(t *testing.T, streams *page.Streams, w http.ResponseWriter) *page.Stream {
	t.Helper()
	stream, err := streams.Open(w, "ada", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestOnlyAPageThatHasGoneIsGone(t *testing.T) {
	var streams page.Streams
	if err := open(t, &streams, closed{httptest.NewRecorder()}).Send("state", "<p>"); !errors.Is(err, page.ErrGone) || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing to a closed page says: %v", err)
	}
	// It would wait for ever, which somebody must be told.
	if err := open(t, &streams, held{httptest.NewRecorder()}).Beat(); err == nil || errors.Is(err, page.ErrGone) {
		t.Errorf("a host that cannot send before the end says: %v", err)
	}
}

func TestAnEventKeepsItsLines(t *testing.T) {
	var streams page.Streams
	answer := httptest.NewRecorder()
	stream := open(t, &streams, answer)
	if err := errors.Join(stream.Send("state", "<p>\n</p>"), stream.Beat(), stream.Rest()); err != nil {
		t.Fatal(err)
	}
	const want = "event: state\ndata: <p>\ndata: </p>\n\n:\n\nevent: rest\ndata: \n\n"
	if got := answer.Body.String(); got != want || answer.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q as %s, want %q", got, answer.Header().Get("Content-Type"), want)
	}
}

func TestAClosedStreamMakesRoomForAnother(t *testing.T) {
	var streams page.Streams
	var opened []*page.Stream
	for range 4 {
		opened = append(opened, open(t, &streams, httptest.NewRecorder()))
	}
	if _, err := streams.Open(httptest.NewRecorder(), "ada", time.Minute); !fault.Is(err, fault.RateLimited) {
		t.Errorf("a fifth stream of one user: %v", err)
	}
	opened[0].Close()
	open(t, &streams, httptest.NewRecorder())
}
