package function

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"irc.now/shared/fault"
	"irc.now/shared/telemetry"
)

// ServeHTTP answers what the public may ask: the function, and nothing of health or metrics. The request is
// where trust begins: nothing in it has been checked.
func (i *Instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := telemetry.RequestIDFrom(r)
	ctx, route := telemetry.WithRoute(telemetry.WithRequestID(r.Context(), id))
	r = r.WithContext(ctx)
	r.Pattern = "" // a host's own pattern is not the function's route
	w.Header().Set(telemetry.RequestIDHeader, id)

	a := &answer{ResponseWriter: w}
	began, done := time.Now(), i.requests.Begin(r.Method)
	aborted := i.guarded(a, r)
	name := route()
	if name == telemetry.Unmatched && r.Pattern != "" {
		name = r.Pattern
	}
	done(name, a.code())
	// The path without its query: a query may hold an authorization code.
	i.log.InfoContext(ctx, "request", "method", r.Method, "path", r.URL.Path, "route", name,
		"status", a.code(), "bytes", a.bytes, "duration", time.Since(began), "aborted", aborted)
	if aborted {
		panic(http.ErrAbortHandler) // the host cuts the connection, so that half an answer is not taken for a whole
	}
}

// guarded runs the function; a panic becomes an internal error, or true where the answer had already begun.
func (i *Instance) guarded(a *answer, r *http.Request) (aborted bool) {
	defer func() {
		if reason := recover(); reason != nil {
			aborted = i.recovered(a, r, reason)
		}
	}()
	if !i.gate.enter() {
		Refuse(a, r, http.StatusServiceUnavailable, "This server is stopping. Please try again.")
		return false
	}
	defer i.gate.leave()
	if !i.waitStarted(r.Context()) {
		Refuse(a, r, http.StatusServiceUnavailable, "This service is still starting. Please try again in a moment.")
		return false
	}
	i.handler.Handle(a, r)
	return false
}

// recovered logs a panic and answers it where it still can.
func (i *Instance) recovered(a *answer, r *http.Request, reason any) (aborted bool) {
	if err, ok := reason.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return true // net/http's own way of giving up on an answer, no fault of the function
	}
	i.log.ErrorContext(r.Context(), "request panicked", "reason", fmt.Sprint(reason),
		"method", r.Method, "path", r.URL.Path, "stack", string(debug.Stack()))
	if a.status != 0 {
		return true
	}
	Refuse(a, r, http.StatusInternalServerError, fault.Sentence(nil))
	return false
}

// Refuse answers in plain text with the request id, for people to quote and us to find in the log.
func Refuse(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	h := w.Header()
	for _, meant := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Set-Cookie", "Location"} {
		h.Del(meant) // for the answer that does not come
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "%s\nRequest id: %s\n", sentence, telemetry.RequestID(r.Context()))
}

// answer remembers what was sent. Other abilities of the writer (hijacking, deadlines) are reached through
// http.ResponseController.
type answer struct {
	http.ResponseWriter
	status int // 0 until the header is sent
	bytes  int64
}

// WriteHeader remembers the first final status.
func (a *answer) WriteHeader(status int) {
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if a.status == 0 && !informational {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (a *answer) Write(p []byte) (int, error) {
	a.begin()
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// ReadFrom counts, and lets files go out by sendfile.
func (a *answer) ReadFrom(from io.Reader) (int64, error) {
	a.begin()
	n, err := io.Copy(a.ResponseWriter, from)
	a.bytes += n
	return n, err
}

// Flush sends what is buffered, for writers of streams that look for a http.Flusher.
func (a *answer) Flush() {
	a.begin()
	_ = http.NewResponseController(a.ResponseWriter).Flush() // a writer that cannot flush has nothing to flush
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) begin() {
	if a.status == 0 {
		a.status = http.StatusOK
	}
}

// code is the status as the client sees it: a handler that writes nothing answers 200.
func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}
