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

// RequestContext gives ctx the request id that e notes, unless it has one.
func RequestContext(ctx context.Context, e Event) context.Context {
	id, _ := e.Extensions()[requestID].(string)
	if id == "" || telemetry.RequestID(ctx) != "" {
		return ctx
	}
	return telemetry.WithRequestID(ctx, id)
}
