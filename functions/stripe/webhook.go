package stripe

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

const (
	maxBody = 1 << 20 // Stripe's events have some kilobytes
	// sinkTimeout is shorter than Stripe's patience, so that Stripe hears why.
	sinkTimeout = 8 * time.Second
)

// receive takes POST /webhook. It is where trust begins: nothing of the request is used before its signature is known to be Stripe's.
func (f *Function) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		f.refuse(w, r, http.StatusRequestEntityTooLarge, "This is larger than any event of Stripe's.", err)
		return
	}
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, "The request could not be read.", err)
		return
	}
	if err := f.verify(body, r.Header.Get("Stripe-Signature")); err != nil {
		f.refuse(w, r, http.StatusBadRequest, "The signature is not Stripe's, or too old, or its time has not come.", err)
		return
	}
	notice, err := eventFor(body)
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, "This is not an event of Stripe's.", err)
		return
	}
	f.pass(w, r, notice)
}

// verify accepts a signature made with any of the secrets. Stripe's library looks for one that is too old; one from the
// future could be used again for as long as that lasts.
func (f *Function) verify(body []byte, header string) error {
	var all []error
	for _, secret := range f.settings.Secrets {
		err := webhook.ValidatePayloadWithTolerance(body, header, secret.Reveal(), f.settings.Tolerance)
		if err == nil {
			return f.arrived(header)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// arrived reports whether the time of a header whose signature is right has come, by a clock that may be as wrong as an
// old signature may be old.
func (f *Function) arrived(header string) error {
	for pair := range strings.SplitSeq(header, ",") {
		text, is := strings.CutPrefix(pair, "t=")
		if !is {
			continue
		}
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("read the time of a signature: %w", err)
		}
		if ahead := time.Until(time.Unix(seconds, 0)); ahead > f.settings.Tolerance {
			return fmt.Errorf("the signature is of a time %s ahead", ahead)
		}
	}
	return nil
}

// pass gives e to the broker. Whatever keeps the broker from taking it is answered with 5xx: then Stripe keeps the
// event and sends it again.
func (f *Function) pass(w http.ResponseWriter, r *http.Request, e event.Event) {
	err := f.sink.Send(r.Context(), event.WithRequestID(r.Context(), e))
	if err == nil {
		f.webhooks.WithLabelValues("taken").Inc()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	f.webhooks.WithLabelValues("undelivered").Inc()
	f.log.ErrorContext(r.Context(), "event not delivered", "event", e.ID(), "type", e.Type(), "error", err)
	status := httpfault.Status(err)
	if !fault.Is(err, fault.Unavailable) {
		status = http.StatusBadGateway // the broker's no is its mistake, never a reason to lose the event
	}
	http.Error(w, "The event was not taken. Please send it again later.", status)
}

func (f *Function) refuse(w http.ResponseWriter, r *http.Request, status int, sentence string, err error) {
	f.webhooks.WithLabelValues("refused").Inc()
	f.log.WarnContext(r.Context(), "webhook refused", "status", status, "error", err)
	http.Error(w, sentence, status)
}
