package event

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// ErrRefused is what Send returns where the sink will never take the event: sending it again does not help.
var ErrRefused = errors.New("the sink refused the event")

// Sink is where events go: a broker's address, K_SINK in a Knative Service's environment. It is safe for concurrent
// use.
type Sink struct {
	address config.URL
	client  *http.Client
}

// NewSink makes the sink at address. client bounds each Send; take one of package outbound.
func NewSink(address config.URL, client *http.Client) *Sink {
	return &Sink{address: address, client: client}
}

// Send gives e to the sink, with the id of the request that ctx belongs to. Nil means that the sink has taken it over for good. Else the error is of kind Unavailable
// where sending again may help (then the sink may still have taken it), and wraps [ErrRefused] where it will not.
func (s *Sink) Send(ctx context.Context, e Event) error {
	e = WithRequestID(ctx, e)
	if err := Check(e); err != nil {
		return fmt.Errorf("send event %s: %w: %w", e.ID(), ErrRefused, err)
	}
	request, err := cehttp.NewHTTPRequestFromEvent(ctx, s.address.String(), e)
	if err != nil {
		return fmt.Errorf("send event %s: %w: %w", e.ID(), ErrRefused, err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return unavailable(fmt.Errorf("send event %s: %w", e.ID(), err))
	}
	defer response.Body.Close()
	// Reading the little there is keeps the connection.
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	switch {
	case response.StatusCode/100 == 2:
		return nil
	case Retriable(response.StatusCode):
		return unavailable(fmt.Errorf("send event %s: the sink answered %d", e.ID(), response.StatusCode))
	}
	return fmt.Errorf("send event %s: %w with status %d", e.ID(), ErrRefused, response.StatusCode)
}

func unavailable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "A part of our service is away for a moment. Please try again shortly.")
}

// Retriable reports whether an HTTP status other than 2xx is worth sending an event again, by the rules of Knative
// Eventing's data plane: what is starting, busy or broken may recover.
func Retriable(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}
