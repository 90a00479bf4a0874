package client

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

// fault gives an error of the API server a kind and a sentence. What only we can have caused (no permission, a
// request that makes no sense) stays an internal error.
func (k *Kind[T, P]) fault(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var status apierrors.APIStatus // no error by itself, which errors.AsType asks for
	if !errors.As(err, &status) {
		return k.away(err)
	}
	answer := status.Status()
	if sentence, refused := refusal(answer); refused {
		return fault.Wrap(err, kindOf(answer.Code), "%s", sentence)
	}
	switch {
	case apierrors.IsNotFound(err):
		return fault.Wrap(err, fault.NotFound, "There is no such %s. It may have been deleted in the meantime.", k.word)
	case apierrors.IsAlreadyExists(err):
		return fault.Wrap(err, fault.Conflict, "There is a %s of that name already.", k.word)
	case apierrors.IsConflict(err):
		return fault.Wrap(err, fault.Conflict, "The %s has changed in the meantime. Please look at it again.", k.word)
	case apierrors.IsInvalid(err):
		return fault.Wrap(err, fault.Invalid, "%s", reasons(answer))
	case apierrors.IsTooManyRequests(err), answer.Code >= http.StatusInternalServerError:
		// Also what an admission webhook that does not answer ends in: it fails closed.
		return k.away(err)
	default:
		return err
	}
}

func (k *Kind[T, P]) away(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The cluster that runs the %ss does not answer as it should. Please try again in a minute.", k.word)
}

// denied is how the API server begins the message of a webhook that says no. The message is the only part of the
// answer that tells a webhook's no from a missing permission of our own.
var denied = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^admission webhook "[^"]*" denied the request: (?s)(.+)$`)
})

// refusal is the sentence with which our admission webhook refused.
func refusal(answer metav1.Status) (sentence string, refused bool) {
	found := denied().FindStringSubmatch(answer.Message)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// kindOf is what the webhook's code means to the user. It judges the user's request: what does not say that something
// is wrong with it, or with us, is a plain no.
func kindOf(code int32) fault.Kind {
	switch kind := httpfault.KindOf(int(code)); kind {
	case fault.Conflict, fault.Invalid, fault.Unavailable:
		return kind
	case fault.RateLimited:
		return fault.Unavailable
	default:
		return fault.Forbidden
	}
}

// reasons joins the sentences of the schema's rules.
func reasons(answer metav1.Status) string {
	if answer.Details == nil || len(answer.Details.Causes) == 0 {
		return "That is not valid."
	}
	sentences := make([]string, 0, len(answer.Details.Causes))
	for _, cause := range answer.Details.Causes {
		sentences = append(sentences, value().ReplaceAllString(cause.Message, ""))
	}
	return strings.Join(sentences, " ")
}

// value is what Kubernetes puts in front of a rule's sentence: it has no place of its own for it.
var value = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^Invalid value: (?:(?:"(?:[^"\\]|\\.)*"|[-0-9.]+|null): )?`)
})
