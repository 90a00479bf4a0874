package telemetry

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync/atomic"
)

// RequestIDHeader carries the request id from hop to hop, in requests and in answers.
const RequestIDHeader = "X-Request-Id"

const maxRequestID = 64

type requestIDKey struct{}

// RequestID is the id of the request ctx belongs to; "" outside a request.
func RequestID(ctx context.Context) string {
	if held, ok := ctx.Value(requestIDKey{}).(*atomic.Pointer[string]); ok {
		return *held.Load()
	}
	return ""
}

// WithRequestID gives ctx an id. [NewRequestID] makes one, [RequestIDFrom] takes one from a request.
func WithRequestID(ctx context.Context, id string) context.Context {
	held := new(atomic.Pointer[string])
	held.Store(&id)
	return context.WithValue(ctx, requestIDKey{}, held)
}

// AdoptRequestID makes id that of the whole request ctx belongs to, for whoever holds a context of it already, too: what
// answers a request may find in its body what the request is part of. An id that is not harmless, as [RequestIDFrom] has
// it, changes nothing.
func AdoptRequestID(ctx context.Context, id string) {
	if held, ok := ctx.Value(requestIDKey{}).(*atomic.Pointer[string]); ok && ValidRequestID(id) {
		held.Store(&id)
	}
}

// NewRequestID makes an id that nobody can guess, so that showing it to a user gives nothing away.
func NewRequestID() string { return rand.Text() }

// RequestIDFrom takes the id of an incoming request, or makes one. The header is hostile input that ends up in
// logs, headers and pages: only up to 64 letters, digits, '-', '_' and '.' are taken over.
func RequestIDFrom(r *http.Request) string {
	if id := r.Header.Get(RequestIDHeader); ValidRequestID(id) {
		return id
	}
	return NewRequestID()
}

// ValidRequestID reports whether an id that somebody sent is harmless and may be taken over.
func ValidRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
