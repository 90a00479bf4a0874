// Package cloudevent hosts functions that consume CloudEvents over HTTP, in binary and in structured mode.
//
// It stands beside package function so that programs without events do not link the SDK, whose initialisation every
// start would wait for. It knows no function and no kind of event, only the attribute that
// names the request an event was made in.
package cloudevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	ours "irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
	"irc.now/shared/function"
	"irc.now/shared/telemetry"
)

// maxEvent bounds an event's request body: brokers refuse more than this as well.
const maxEvent = 1 << 20

// Handler is a function that consumes CloudEvents. It may have the hooks of package function, which its host calls. Handle is called
// concurrently and must be idempotent on the event's id: whoever sends may send again. The event has passed event.Check
// and event.CheckData; its data is whatever the sender wrote. A returned event becomes the answer.
//
// The error's kind tells the sender what to do: RateLimited (429), Unavailable (503) and internal ones (500)
// are worth a retry; every other kind (422) is final, so that a broker puts the event where it keeps dead letters.
type Handler interface {
	Handle(ctx context.Context, e event.Event) (*event.Event, error)
}

// Lenient is a function that takes events which those refuse: it keeps what others could not take.
type Lenient interface {
	Handler
	// Lenient does nothing.
	Lenient()
}

// Main hosts f under name until it is told to stop and ends the program, as [function.Main] does.
func Main(name string, f Handler) { function.Main(name, Function(f)) }

// Function makes f what package function hosts, which looks for the hooks on f.
func Function(f Handler) function.Handler {
	return &receiver{f: f, log: slog.New(slog.DiscardHandler)}
}

// receiver receives CloudEvents over HTTP for f. It is a [function.Adapter].
type receiver struct {
	f   Handler
	log *slog.Logger
}

// Adapts is the function.
func (v *receiver) Adapts() any { return v.f }

// Instrument takes the log; the host gives the function its own.
func (v *receiver) Instrument(with function.Instruments) { v.log = with.Log }

// Handle receives one event.
func (v *receiver) Handle(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		function.Refuse(w, r, http.StatusMethodNotAllowed, "Send CloudEvents by POST.")
		return
	}
	received, status, err := v.receive(w, r)
	if err != nil {
		v.log.WarnContext(r.Context(), "event refused", "error", err)
		function.Refuse(w, r, status, "This is not a valid CloudEvent.")
		return
	}
	adoptRequestID(w, r, *received)
	reply, err := v.f.Handle(r.Context(), *received)
	if err != nil {
		v.refuse(w, r, received, err)
		return
	}
	v.reply(w, r, reply)
}

// adoptRequestID makes the request that e was made in the one that this request is logged and answered under: brokers
// pass the event's attributes on, and not the header of whoever sent it.
func adoptRequestID(w http.ResponseWriter, r *http.Request, e event.Event) {
	telemetry.AdoptRequestID(r.Context(), ours.RequestID(e))
	w.Header().Set(telemetry.RequestIDHeader, telemetry.RequestID(r.Context()))
}

// receive reads one event. This is where trust begins: the body is bounded and the event checked before the
// function sees it. What can never be taken must not look like trouble that passes.
func (v *receiver) receive(w http.ResponseWriter, r *http.Request) (*event.Event, int, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxEvent)
	message := cehttp.NewMessageFromHttpRequest(r)
	received, err := binding.ToEvent(r.Context(), message)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("read event: %w", err)
	}
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("read event: %w", err)
	}
	if err := received.Validate(); err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("validate event: %w", err)
	}
	if _, lenient := v.f.(Lenient); lenient {
		return received, http.StatusOK, nil
	}
	if err := errors.Join(ours.Check(*received), ours.CheckData(*received)); err != nil {
		return nil, http.StatusUnprocessableEntity, fmt.Errorf("check event: %w", err)
	}
	return received, http.StatusOK, nil
}

// refuse tells the sender whether trying again helps. Knative retries 404 and 409, too, so what is final has another
// status than elsewhere.
func (v *receiver) refuse(w http.ResponseWriter, r *http.Request, e *event.Event, err error) {
	status := httpfault.Status(err)
	if !fault.KindOf(err).Temporary() {
		status = http.StatusUnprocessableEntity
	}
	v.log.ErrorContext(r.Context(), "event failed", "event", e.ID(), "type", e.Type(), "status", status, "error", err)
	function.Refuse(w, r, status, fault.Sentence(err))
}

// reply answers with an event or with nothing at all: brokers take any other body for a failure.
func (v *receiver) reply(w http.ResponseWriter, r *http.Request, reply *event.Event) {
	if reply == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if err := ours.Check(*reply); err != nil {
		v.log.ErrorContext(r.Context(), "invalid event as reply", "error", err)
		function.Refuse(w, r, http.StatusInternalServerError, fault.Sentence(err))
		return
	}
	if err := cehttp.WriteResponseWriter(r.Context(), binding.ToMessage(reply), http.StatusOK, w); err != nil {
		v.log.ErrorContext(r.Context(), "send reply event", "event", reply.ID(), "error", err)
	}
}
