package local

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"irc.now/shared/background"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/outbound"
)

// tickSource is the cluster's PingSource, by whose name triggers choose their ticks.
const tickSource = "/apis/v1/namespaces/irc-now/pingsources/every-minute"

// tickTimeout bounds one tick: a broker that does not take it gets the next.
const tickTimeout = 10 * time.Second

// ticker sends an event to a sink at every interval, as the cluster's PingSource does.
type ticker struct {
	sink  *event.Sink
	every time.Duration
	log   *slog.Logger
}

func newTicker(target config.URL, every time.Duration, log *slog.Logger) *ticker {
	return &ticker{sink: event.NewSink(target, outbound.Client(tickTimeout)), every: every, log: log}
}

// run ticks until ctx ends.
func (t *ticker) run(ctx context.Context) {
	background.Every(ctx, t.every, func(ctx context.Context) {
		if err := t.send(ctx, time.Now()); err != nil && ctx.Err() == nil {
			t.log.WarnContext(ctx, "tick failed", slog.Any("error", err))
		}
	})
}

func (t *ticker) send(ctx context.Context, now time.Time) error {
	tick := cloudevents.NewEvent()
	tick.SetID(fmt.Sprintf("tick-%d", now.UnixNano()))
	tick.SetType(event.TickType)
	tick.SetSource(tickSource)
	tick.SetTime(now)
	if err := tick.SetData(cloudevents.ApplicationJSON, json.RawMessage(`{}`)); err != nil {
		return fmt.Errorf("make tick: %w", err)
	}
	return t.sink.Send(ctx, tick)
}
