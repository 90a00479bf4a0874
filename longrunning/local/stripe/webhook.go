package stripe

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/shared/config"
)

const (
	webhookTimeout = 10 * time.Second
	firstPause     = time.Second
	lastPause      = time.Minute
	senders        = 8
)

// Delivery says how webhooks are sent.
type Delivery struct {
	Hold    bool // keep them back until it is false again
	Copies  int  // how often each is sent; 1 or more
	Reverse bool // the last that waits goes first, one after the other
}

// delivery is one event on its way.
type delivery struct {
	Event event
	Body  json.RawMessage
	Done  bool
	Tries int
	Due   time.Time
	// LastStatus is what the receiver answered last; 0 for nobody there.
	LastStatus int
}

// emit notes that something happened to object, as object is now.
func (s *Server) emit(st *state, kind string, object any) {
	e := event{
		ID: newID("evt"), Object: "event", APIVersion: stripe.APIVersion, Created: s.now(), PendingWebhooks: 1,
		Type: kind, Data: eventData{Object: object},
	}
	body, err := json.MarshalIndent(e, "", "  ") // Stripe's own bodies are indented
	if err != nil {
		s.config.Log.Error("event not made", "type", kind, "error", err)
		return
	}
	e.Data.Object = nil
	st.Events = append(st.Events, &delivery{Event: e, Body: body})
}

// SetDelivery changes how webhooks are sent from now on.
func (s *Server) SetDelivery(d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delivery = Delivery{Hold: d.Hold, Copies: max(d.Copies, 1), Reverse: d.Reverse}
	s.wake()
}

// SetSecrets changes what webhooks are signed with, and gives what it was before. Each is signed with all of them, as
// Stripe does while one is being replaced.
func (s *Server) SetSecrets(secrets ...config.Secret) (before []config.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.config.Secrets = s.config.Secrets, secrets
	s.wake()
	return before
}

// Resend sends an event again, as often as n says, whatever became of it before.
func (s *Server) Resend(ctx context.Context, eventID string, n int) error {
	var body []byte
	err := s.read(func(st *state) error {
		at := slices.IndexFunc(st.Events, func(d *delivery) bool { return d.Event.ID == eventID })
		if at < 0 {
			return noSuch("event", eventID)
		}
		body = st.Events[at].Body
		return nil
	})
	for range n {
		if err != nil {
			return err
		}
		_, err = s.send(ctx, body)
	}
	return err
}

// Unsent is how many events nobody has taken yet.
func (s *Server) Unsent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, d := range s.state.Events {
		if !d.Done {
			n++
		}
	}
	return n
}

// deliver sends what is due until ctx ends.
func (s *Server) deliver(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.woken:
		case <-timer.C:
		}
		due, settings := s.due()
		s.sendAll(ctx, due, settings)
		timer.Reset(s.untilNext())
	}
}

// due gives the events that may be sent now, in the order in which to send them.
func (s *Server) due() (due []*delivery, d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.delivery.Hold || s.webhook == "" {
		return nil, s.delivery
	}
	now := s.config.Now()
	for _, e := range s.state.Events {
		if !e.Done && !e.Due.After(now) {
			due = append(due, e)
		}
	}
	if s.delivery.Reverse {
		slices.Reverse(due)
	}
	return due, s.delivery
}

func (s *Server) untilNext() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := lastPause
	for _, e := range s.state.Events {
		if !e.Done && !s.delivery.Hold {
			wait = min(wait, max(e.Due.Sub(s.config.Now()), time.Millisecond))
		}
	}
	return wait
}

// sendAll sends several at once, as Stripe does; one by one where the order is to be reversed.
func (s *Server) sendAll(ctx context.Context, due []*delivery, settings Delivery) {
	workers := senders
	if settings.Reverse {
		workers = 1
	}
	next := make(chan *delivery)
	var all sync.WaitGroup
	for range min(workers, len(due)) {
		all.Go(func() {
			for e := range next {
				s.sendOne(ctx, e, settings.Copies)
			}
		})
	}
	for _, e := range due {
		next <- e
	}
	close(next)
	all.Wait()
}

// sendOne sends an event as often as it is to be sent; it is done when the last was taken.
func (s *Server) sendOne(ctx context.Context, e *delivery, copies int) {
	var status int
	var err error
	for range max(copies, 1) {
		status, err = s.send(ctx, e.Body)
	}
	if ctx.Err() != nil {
		return
	}
	unkept := s.change(func(*state) error {
		e.Tries++
		e.LastStatus, e.Done = status, err == nil
		e.Due = s.config.Now().Add(min(firstPause<<min(e.Tries-1, 6), lastPause))
		return nil
	})
	if err != nil || unkept != nil {
		s.config.Log.WarnContext(ctx, "webhook not taken", "event", e.Event.ID, "type", e.Event.Type, "tries", e.Tries, "error", errors.Join(err, unkept))
	}
}

// send gives one body to the webhook; the status is 0 where nobody answered.
func (s *Server) send(ctx context.Context, body []byte) (int, error) {
	address, header := s.sign(body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	request.Header.Set("Stripe-Signature", header)
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	if response.StatusCode/100 != 2 {
		return response.StatusCode, fmt.Errorf("the webhook answered %d", response.StatusCode)
	}
	return response.StatusCode, nil
}

// sign makes the header: the time, and one signature for each secret.
func (s *Server) sign(body []byte) (address, header string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The receiver compares with the real time, whatever the clock of this server says.
	now := time.Now()
	parts := []string{fmt.Sprintf("t=%d", now.Unix())}
	for _, secret := range s.config.Secrets {
		parts = append(parts, "v1="+hex.EncodeToString(webhook.ComputeSignature(now, body, secret.Reveal())))
	}
	return s.webhook, strings.Join(parts, ",")
}
