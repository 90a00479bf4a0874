package reconciler

import (
	"errors"
	"time"
)

// Done says why a condition is true: a reason of package naming and a sentence for the owner.
type Done struct{ Reason, Message string }

// outcome is an error with a meaning for the condition. Errors without one are the operator's own trouble: logged whole,
// shown as a general sentence, and retried.
type outcome struct {
	kind            kind
	reason, message string
	after           time.Duration
}

type kind int

const (
	waiting kind = iota // something should come by itself
	stalled             // somebody has to change something
	off                 // as the spec asks
)

func (o *outcome) Error() string { return o.reason + ": " + o.message }

// Wait is the error of a part that waits for something outside. It is looked at again when an object changes, and after
// the given time, since not everything tells.
func Wait(reason, message string, after time.Duration) error {
	return &outcome{kind: waiting, reason: reason, message: message, after: after}
}

// Stall is the error of a part that can do nothing until somebody changes the resource or what the message names. Where
// that is something else than the resource, whose changes are told, after is how long until it is looked at again; else 0.
func Stall(reason, message string, after time.Duration) error {
	return &outcome{kind: stalled, reason: reason, message: message, after: after}
}

// Off is the error of a part that is not ready because the spec asks for that.
func Off(reason, message string) error {
	return &outcome{kind: off, reason: reason, message: message}
}

func outcomeOf(err error) (*outcome, bool) { return errors.AsType[*outcome](err) }
