package portal

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
	"irc.now/shared/fault"
)

const (
	// streamLength is how long a page is followed before it has to ask again, which its script does when somebody is
	// there: an instance that a forgotten tab holds would never be scaled to zero.
	streamLength = 3 * time.Minute
	// beat is how often something is sent where nothing has changed, so that a page that has gone is noticed.
	beat = 15 * time.Second
	// writePatience is how long a page may take to read.
	writePatience = 20 * time.Second
	// maxStreams is how many pages of one user are followed at once.
	maxStreams = 4
)

// streams counts the pages that are followed, by user. The zero value is ready.
type streams struct {
	mu   sync.Mutex
	open map[string]int
}

// enter is false where a user has too many; each true needs a leave.
func (s *streams) enter(user string) bool {
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

func (s *streams) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[user]--; s.open[user] == 0 {
		delete(s.open, user)
	}
}

// followBouncer sends the live part of the bouncer's page whenever it changes, as server-sent events, until its time
// is over, the page is closed or the program stops. The last event, rest, says that it ends on purpose.
func (p *portal) followBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	if !p.streams.enter(user.ID) {
		return fault.New(fault.RateLimited, "You have this page open many times. Close some of them, and this one is kept up to date again.")
	}
	defer p.streams.leave(user.ID)
	ctx, cancel := context.WithTimeout(r.Context(), p.streamLength)
	defer cancel()
	out := newEventStream(w, p.streamLength)
	states := p.statesOf(ctx, user.Handle)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	served := false
	for {
		var err error
		select {
		case next, open := <-states:
			if !open {
				return gone(out.send("rest", ""))
			}
			if user, err = p.accounts.ByID(ctx, user.ID); err == nil { // the plan may be another one by now
				err = p.sendState(ctx, out, user, next)
			}
			if serves := next.err == nil && ready(next.own); err == nil && serves != served {
				served = serves
				p.bouncers.Fresh(ctx, user) // whoever becomes ready learns of its user, and pages of where the networks are
			}
		case <-ticker.C:
			err = out.comment()
		case <-p.leaving:
			return gone(out.send("rest", ""))
		}
		if err != nil {
			return gone(err)
		}
	}
}

// gone is for a page that was closed: nobody is left to tell.
func gone(error) error { return nil }

// sighting is the user's own bouncer as it was seen, or why it was not.
type sighting struct {
	own *v1alpha1.SojuBouncer
	err error
}

// statesOf gives each state of the user's bouncer until ctx ends.
func (p *portal) statesOf(ctx context.Context, handle account.Handle) <-chan sighting {
	states := make(chan sighting)
	go func() {
		defer close(states)
		for own, err := range p.own.Watch(ctx, string(handle)) {
			select {
			case states <- sighting{belonging(own, handle), err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return states
}

func (p *portal) sendState(ctx context.Context, out *eventStream, user account.User, s sighting) error {
	pays, err := p.coverage(ctx, user)
	if err != nil {
		return err
	}
	view := removedView()
	switch {
	case s.err != nil:
		view = unknownView(s.err)
	case s.own != nil:
		view = p.viewOf(s.own, pays)
	}
	html, err := p.pages.HTML("bouncer", "own", view)
	if err != nil {
		return err
	}
	return out.send("state", html)
}

// eventStream writes server-sent events, each of which is on its way when send returns.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newEventStream(w http.ResponseWriter, length time.Duration) *eventStream {
	s := &eventStream{w, http.NewResponseController(w)}
	// The server's own limits are for pages. A host that has none is no reason to stop.
	_ = s.control.SetReadDeadline(time.Now().Add(length + time.Minute))
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	return s
}

func (s *eventStream) send(event string, html template.HTML) error {
	lines := strings.Split(string(html), "\n")
	return s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", event, strings.Join(lines, "\ndata: ")))
}

// comment sends what nobody reads.
func (s *eventStream) comment() error { return s.write(":\n\n") }

func (s *eventStream) write(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writePatience)) // see newEventStream
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
