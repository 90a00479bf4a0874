package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/cloudevents/sdk-go/v2/types"

	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
	"irc.now/shared/telemetry"
)

// receive takes an event from whoever reaches the broker: this is where its size and form are checked.
func (b *Broker) receive(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, event.MaxSize)
	ctx := telemetry.WithRequestID(r.Context(), telemetry.RequestIDFrom(r))
	received, err := cehttp.NewEventFromHTTPRequest(r)
	if err == nil {
		err = event.Check(*received)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		http.Error(w, fmt.Sprintf("An event may have at most %d bytes.", event.MaxSize), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		b.config.Log.WarnContext(ctx, "event refused", "error", err)
		http.Error(w, "This is not a valid CloudEvent.", http.StatusBadRequest)
		return
	}
	if err := b.accept(ctx, *received); err != nil {
		b.config.Log.ErrorContext(ctx, "event not accepted", "event", received.ID(), "error", err)
		http.Error(w, fault.Sentence(err), httpfault.Status(err))
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// accept stores e for every trigger that takes it; nil means that it is safe. The error is Unavailable while the
// broker is stopped or its database away.
func (b *Broker) accept(ctx context.Context, e event.Event) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.now == nil {
		return errStopped()
	}
	return b.now.accept(ctx, b.triggers, e, b.metrics)
}

func (n *run) accept(ctx context.Context, triggers []*route, e event.Event, m *metrics) error {
	var wanted []string
	for _, trigger := range triggers {
		if trigger.takes(e) {
			wanted = append(wanted, trigger.name())
		}
	}
	m.accepted.Inc()
	if len(wanted) == 0 {
		return nil // as in the cluster: what nobody waits for is not kept
	}
	encoded, err := json.Marshal(event.WithRequestID(ctx, e))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The event's data is not what its datacontenttype says.")
	}
	if err := n.queue.put(ctx, wanted, encoded); err != nil {
		return err
	}
	for _, name := range wanted {
		n.lanes[name].wake()
	}
	return nil
}

// ttl is the extension that keeps subscribers that answer each other from doing so for ever; Knative's brokers use
// the same. It never leaves the broker.
const (
	ttl    = "knativebrokerttl"
	maxTTL = 16
)

func ttlOf(e event.Event) int {
	if n, err := types.ToInteger(e.Extensions()[ttl]); err == nil {
		return int(n)
	}
	return maxTTL
}

// acceptReply takes what a subscriber answered to an event.
func (n *run) acceptReply(ctx context.Context, triggers []*route, to, reply event.Event, m *metrics) error {
	left := ttlOf(to) - 1
	if left <= 0 {
		return fault.New(fault.Invalid, "Reply %s is one too many in a chain of %d.", reply.ID(), maxTTL)
	}
	reply.SetExtension(ttl, left)
	return n.accept(ctx, triggers, reply, m)
}
