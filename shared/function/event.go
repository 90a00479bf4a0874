package function

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"irc.now/shared/fault"
)

// maxEvent bounds an event's request body: brokers refuse more than this as well.
const maxEvent = 1 << 20

// eventHandler receives CloudEvents over HTTP for f.
func (i *Instance) eventHandler(f EventHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			refuse(w, r, http.StatusMethodNotAllowed, "Send CloudEvents by POST.")
			return
		}
		received, status, err := receive(w, r)
		if err != nil {
			i.log.WarnContext(r.Context(), "event refused", "error", err)
			refuse(w, r, status, "This is not a valid CloudEvent.")
			return
		}
		reply, err := f.Handle(r.Context(), *received)
		if err != nil {
			i.refuseEvent(w, r, received, err)
			return
		}
		i.reply(w, r, reply)
	}
}

// receive reads one event. This is where trust begins: the body is bounded and the event checked before the
// function sees it.
func receive(w http.ResponseWriter, r *http.Request) (*event.Event, int, error) {
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
	return received, http.StatusOK, nil
}

// refuseEvent tells the sender whether trying again helps. Knative retries 404, 408, 409, 429 and 5xx.
func (i *Instance) refuseEvent(w http.ResponseWriter, r *http.Request, e *event.Event, err error) {
	status := http.StatusUnprocessableEntity
	switch fault.KindOf(err) {
	case fault.Internal:
		status = http.StatusInternalServerError
	case fault.Unavailable:
		status = http.StatusServiceUnavailable
	case fault.RateLimited:
		status = http.StatusTooManyRequests
	}
	i.log.ErrorContext(r.Context(), "event failed", "event", e.ID(), "type", e.Type(), "status", status, "error", err)
	refuse(w, r, status, fault.Sentence(err))
}

// reply answers with an event or with nothing at all: brokers take any other body for a failure.
func (i *Instance) reply(w http.ResponseWriter, r *http.Request, reply *event.Event) {
	if reply == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if err := reply.Validate(); err != nil {
		i.log.ErrorContext(r.Context(), "invalid event as reply", "error", err)
		refuse(w, r, http.StatusInternalServerError, fault.Sentence(err))
		return
	}
	if err := cehttp.WriteResponseWriter(r.Context(), binding.ToMessage(reply), http.StatusOK, w); err != nil {
		i.log.ErrorContext(r.Context(), "send reply event", "event", reply.ID(), "error", err)
	}
}
