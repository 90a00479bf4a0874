package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/telemetry"
)

// failure is why an attempt failed, and whether another may succeed.
type failure struct {
	error
	final bool
}

// deliver makes one attempt and judges it.
func (l *lane) deliver(ctx context.Context, d delivery) outcome {
	var e event.Event
	if err := json.Unmarshal(d.Event, &e); err != nil {
		return l.judge(ctx, d, e, &failure{fmt.Errorf("read stored event: %w", err), true})
	}
	ctx = telemetry.WithRequestID(ctx, event.RequestID(e))
	attempt, cancel := context.WithTimeout(ctx, l.policy.timeout)
	defer cancel()
	reply, failed := l.post(attempt, e)
	if failed == nil && reply != nil {
		if err := l.reply(attempt, e, *reply); err != nil {
			failed = &failure{fmt.Errorf("take the reply: %w", err), fault.Is(err, fault.Invalid)}
		}
	}
	return l.judge(ctx, d, e, failed)
}

// post gives e to the subscriber. reply is nil where it answers with an empty body.
func (l *lane) post(ctx context.Context, e event.Event) (reply *event.Event, failed *failure) {
	e = e.Clone()
	e.SetExtension(ttl, nil)
	request, err := cehttp.NewHTTPRequestFromEvent(ctx, l.address, e)
	if err != nil {
		return nil, &failure{err, true}
	}
	response, err := l.client.Do(request)
	if err != nil {
		return nil, &failure{err, false}
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		_, _ = io.CopyN(io.Discard, response.Body, 4<<10) // keeps the connection
		final := !event.Retriable(response.StatusCode)
		return nil, &failure{fmt.Errorf("the subscriber answered %d", response.StatusCode), final}
	}
	return readReply(ctx, response)
}

// errText is what a body is that is neither empty nor an event. The cluster's broker takes it for a failure as well.
var errText = errors.New("the subscriber's answer has a body that is not a CloudEvent")

func readReply(ctx context.Context, response *http.Response) (*event.Event, *failure) {
	body := http.MaxBytesReader(nil, response.Body, event.MaxSize)
	message := cehttp.NewMessage(response.Header, body)
	if message.ReadEncoding() == binding.EncodingUnknown {
		if n, _ := io.ReadFull(body, make([]byte, 1)); n > 0 {
			return nil, &failure{errText, false}
		}
		return nil, nil
	}
	reply, err := binding.ToEvent(ctx, message)
	if err == nil {
		err = event.Check(*reply)
	}
	if err != nil {
		return nil, &failure{fmt.Errorf("read the reply: %w", err), false}
	}
	return reply, nil
}

// judge says what becomes of a delivery after an attempt.
func (l *lane) judge(ctx context.Context, d delivery, e event.Event, failed *failure) outcome {
	if failed == nil {
		return outcome{delivery: d, verdict: delivered}
	}
	log := l.log.With("event", e.ID(), "type", e.Type(), "attempt", d.Attempts, "error", failed.error)
	o := outcome{delivery: d, verdict: retried, problem: failed.Error(), pause: l.policy.pause(d.Attempts)}
	switch {
	case ctx.Err() != nil:
		o.verdict = released
	case !failed.final && d.Attempts <= l.policy.retries:
		log.WarnContext(ctx, "delivery failed; it will be tried again", "in", o.pause)
	case l.policy.deadLetters:
		o.verdict = dead
		log.ErrorContext(ctx, "event is a dead letter", "delivery", d.Number)
	default:
		o.verdict = dropped
		log.ErrorContext(ctx, "event dropped")
	}
	return o
}
