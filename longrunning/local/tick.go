package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"irc.now/shared/outbound"
)

// tickType is what Knative's PingSource sends; functions/revoke cannot tell the difference.
const tickType = "dev.knative.sources.ping"

// ticker sends an event to a function at every interval, one at a time, as the cluster's PingSource does.
type ticker struct {
	target string
	every  time.Duration
	client *http.Client
	log    *slog.Logger
}

func newTicker(target string, every time.Duration, log *slog.Logger) *ticker {
	// A tick that takes longer than this is given up: the next one does its work.
	return &ticker{target: target, every: every, client: outbound.Client(max(every, 10*time.Second)), log: log}
}

// run ticks until ctx ends.
func (t *ticker) run(ctx context.Context) {
	clock := time.NewTicker(t.every)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-clock.C:
			if err := t.send(ctx, now); err != nil && ctx.Err() == nil {
				t.log.WarnContext(ctx, "tick failed", slog.Any("error", err))
			}
		}
	}
}

// send posts one event in binary mode (CloudEvents HTTP binding section 3.1).
func (t *ticker) send(ctx context.Context, now time.Time) error {
	event := cloudevents.NewEvent()
	event.SetID(fmt.Sprintf("tick-%d", now.UnixNano()))
	event.SetType(tickType)
	event.SetSource("/longrunning/local")
	event.SetTime(now)
	if err := event.SetData(cloudevents.ApplicationJSON, json.RawMessage(`{}`)); err != nil {
		return fmt.Errorf("make event: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.target, bytes.NewReader(event.Data()))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", event.DataContentType())
	for name, value := range map[string]string{
		"Ce-Id": event.ID(), "Ce-Type": event.Type(), "Ce-Source": event.Source(), "Ce-Specversion": event.SpecVersion(),
		"Ce-Time": event.Time().Format(time.RFC3339Nano),
	} {
		request.Header.Set(name, value)
	}
	response, err := t.client.Do(request)
	if err != nil {
		return fmt.Errorf("send event: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the function answered %s", response.Status)
	}
	return nil
}
