package account_test

import (
	"context"
	"log/slog"
	"testing"

	"irc.now/shared/event"
	"irc.now/shared/event/outbox"
)

// taken is a sink that keeps what it is given.
type taken struct{ events []event.Event }

func (s *taken) Send(_ context.Context, e event.Event) error {
	s.events = append(s.events, e)
	return nil
}

func TestTheFirstSignInAloneIsASignUp(t *testing.T) {
	w := newWorld(t)
	user := w.user(t, "subject")
	w.user(t, "subject")
	var sink taken
	if _, err := outbox.NewRelay(w.pool, &sink, slog.New(slog.DiscardHandler)).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(sink.events) != 1 {
		t.Fatalf("%d events, want 1", len(sink.events))
	}
	payload, err := event.Decode[event.SignedUp](sink.events[0])
	if err != nil || payload.Account != user.ID || sink.events[0].Subject() != user.ID {
		t.Errorf("got %s, %v", sink.events[0], err)
	}
}
