package bouncer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"irc.now/functions/portal/dedicated"
	"irc.now/functions/portal/page"
	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

const (
	// followLength is how long a page is followed before it has to ask again, which its script does when somebody is
	// there: an instance that a forgotten tab holds would never be scaled to zero.
	followLength = 3 * time.Minute
	// beat is how often something is sent where nothing has changed, so that a page that has gone is noticed.
	beat = 15 * time.Second
)

// GET /bouncer/events sends the live part of the bouncer's page whenever it changes, as server-sent events, until its time
// is over, the page is closed or the program stops. The last event, rest, says that it ends on purpose.
func (a *Area) followBouncer(w http.ResponseWriter, r *http.Request, user account.User) error {
	length := a.Follow
	if length == 0 {
		length = followLength
	}
	stream, err := a.streams.Open(w, user.ID, length)
	if err != nil {
		return err
	}
	defer stream.Close()
	ctx, cancel := context.WithTimeout(r.Context(), length)
	defer cancel()
	err = a.follow(ctx, stream, user)
	if err != nil && !errors.Is(err, page.ErrGone) && r.Context().Err() == nil {
		// The answer has begun, so there is no other page to show; the script asks again.
		a.Log.ErrorContext(ctx, "a bouncer's page could not be kept up to date", "user", user.ID, "error", err)
	}
	return nil
}

// follow sends what there is to say until ctx or the program ends, which it says as well.
func (a *Area) follow(ctx context.Context, stream *page.Stream, user account.User) error {
	f := &follower{area: a, stream: stream, user: user}
	states := a.watch(ctx, user.Handle)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		var err error
		select {
		case next, open := <-states:
			if !open {
				return stream.Rest()
			}
			err = f.tell(ctx, next)
		case <-ticker.C:
			err = stream.Beat()
		case <-a.Leaving:
			return stream.Rest()
		}
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded): // what err is about, where it is one
			return stream.Rest()
		case err != nil:
			return err
		}
	}
}

// sighting is the user's dedicated bouncer as it was seen, or why it was not.
type sighting struct {
	bouncer *v1alpha1.SojuBouncer
	err     error
}

// watch gives each state of the user's bouncer until ctx ends.
func (a *Area) watch(ctx context.Context, handle account.Handle) <-chan sighting {
	states := make(chan sighting)
	go func() {
		defer close(states)
		for found, err := range a.Bouncers.Watch(ctx, handle) {
			select {
			case states <- sighting{found, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return states
}

// follower is one page that is followed.
type follower struct {
	area   *Area
	stream *page.Stream
	user   account.User
	served bool // whether the bouncer served its user when it was seen last
}

// tell sends what s makes of the page.
func (f *follower) tell(ctx context.Context, s sighting) error {
	user, err := f.area.Accounts.ByID(ctx, f.user.ID) // the plan may be another one by now
	if err != nil {
		return fmt.Errorf("read the account of a page's user: %w", err)
	}
	f.user = user
	if err := f.send(ctx, s); err != nil {
		return err
	}
	if serves := s.err == nil && dedicated.Ready(s.bouncer); serves != f.served {
		f.served = serves
		f.area.States.Fresh(ctx, user) // whoever becomes ready learns of its user, and pages of where the upstreams are
	}
	return nil
}

func (f *follower) send(ctx context.Context, s sighting) error {
	covered, err := f.area.coverage(ctx, f.user)
	if err != nil {
		return fmt.Errorf("read what the plan of a page's user covers: %w", err)
	}
	shown := removedView()
	switch {
	case s.err != nil:
		shown = unknownView(s.err)
	case s.bouncer != nil:
		shown = f.area.viewOf(s.bouncer, covered)
	}
	html, err := f.area.Pages.HTML("bouncer", "dedicated", shown)
	if err != nil {
		return err
	}
	return f.stream.Send("state", html)
}
