package event

import (
	"context"

	"irc.now/shared/telemetry"
)

// requestID is the extension attribute that carries the id of the request an event was made in.
const requestID = "requestid"

// WithRequestID notes in e the id of the request that ctx belongs to, so that logs of what follows can be found by
// it. An id that e has already stays.
func WithRequestID(ctx context.Context, e Event) Event {
	id := telemetry.RequestID(ctx)
	if _, has := e.Extensions()[requestID]; has || id == "" {
		return e
	}
	e = e.Clone()
	e.SetExtension(requestID, id)
	return e
}

// RequestID is the id that e notes; "" where there is none, and where it is not harmless: events come from outside.
func RequestID(e Event) string {
	id, _ := e.Extensions()[requestID].(string)
	if !telemetry.ValidRequestID(id) {
		return ""
	}
	return id
}
