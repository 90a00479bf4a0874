// Package fault gives errors a kind and a sentence that is safe to show to whoever caused them.
//
// An error made here may reach a user; every other error is internal: it is logged whole and shown as
// "something went wrong". The package knows nothing of HTTP; package httpfault maps kinds to status codes.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind says what a caller can do about an error. The zero Kind is Internal: nothing but try again later.
type Kind int

// The kinds, from the least to the most helpful to a caller.
const (
	Internal        Kind = iota // a bug or a broken dependency; never shown
	Unavailable                 // a dependency is away; trying again later helps
	NotFound                    // no such thing, or not yours
	Invalid                     // the input cannot be accepted as it is
	Conflict                    // somebody was first, or the state has moved on
	Unauthenticated             // sign in first
	Forbidden                   // signed in, but not allowed
	OverQuota                   // the plan's limit is reached
	RateLimited                 // too many tries; wait
)

var kindNames = [...]string{
	Internal: "internal", Unavailable: "unavailable", NotFound: "not found", Invalid: "invalid",
	Conflict: "conflict", Unauthenticated: "unauthenticated", Forbidden: "forbidden",
	OverQuota: "over quota", RateLimited: "rate limited",
}

// String names the kind in lower case, for logs and metric labels.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "internal"
	}
	return kindNames[k]
}

// Kinds lists every kind.
func Kinds() []Kind {
	all := make([]Kind, len(kindNames))
	for i := range kindNames {
		all[i] = Kind(i)
	}
	return all
}

// ParseKind is the reverse of [Kind.String].
func ParseKind(name string) (kind Kind, known bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// Temporary reports whether the same may succeed later, with nothing changed by whoever asked.
func (k Kind) Temporary() bool {
	switch k {
	case Internal, Unavailable, RateLimited:
		return true
	case NotFound, Invalid, Conflict, Unauthenticated, Forbidden, OverQuota:
		return false
	}
	return true // no kind of ours is Internal
}

// Error is an error with a kind and a sentence that is safe to show.
type Error struct {
	Kind     Kind
	Sentence string            // for people: says what is wrong and what to do
	Fields   map[string]string // by form field, for Invalid input; nil where no field is to blame
	Cause    error             // for the log; may be nil
}

// Error renders kind, sentence and cause for the log.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Kind.String() + ": " + e.Sentence)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&text, "; %s: %s", name, e.Fields[name])
	}
	if e.Cause != nil {
		text.WriteString(": " + e.Cause.Error())
	}
	return text.String()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of kind whose formatted sentence is safe to show.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Sentence: fmt.Sprintf(format, args...)}
}

// Wrap gives cause a kind and a sentence that is safe to show; cause itself goes to the log only.
func Wrap(cause error, kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Sentence: fmt.Sprintf(format, args...), Cause: cause}
}

// Field makes an Invalid error that blames one form field.
func Field(name, format string, args ...any) error {
	sentence := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Sentence: sentence, Fields: map[string]string{name: sentence}}
}

// Collector gathers the faults of a form so that all are reported together. Its zero value is ready.
type Collector struct{ fields map[string]string }

// Add blames field; the first sentence for a field stays.
func (c *Collector) Add(field, format string, args ...any) {
	if c.fields == nil {
		c.fields = map[string]string{}
	}
	if _, taken := c.fields[field]; !taken {
		c.fields[field] = fmt.Sprintf(format, args...)
	}
}

// Check adds err under field if it is not nil.
func (c *Collector) Check(field string, err error) {
	if err != nil {
		c.Add(field, "%s", Sentence(err))
	}
}

// Err is nil where nothing was blamed, else one Invalid error with every field.
func (c *Collector) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	sentences := make([]string, 0, len(c.fields))
	for _, name := range slices.Sorted(maps.Keys(c.fields)) {
		sentences = append(sentences, c.fields[name])
	}
	return &Error{Kind: Invalid, Sentence: strings.Join(sentences, " "), Fields: c.fields}
}

// KindOf finds the kind of err; Internal where it has none.
func KindOf(err error) Kind {
	if fault, ok := errors.AsType[*Error](err); ok {
		return fault.Kind
	}
	return Internal
}

// Is reports whether err is of kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Sentence is what may be shown of err: its own sentence, or a generic one for internal errors.
func Sentence(err error) string {
	if fault, ok := errors.AsType[*Error](err); ok && fault.Kind != Internal {
		return fault.Sentence
	}
	return "Something went wrong on our side. It has been logged; please try again."
}

// FieldsOf gives the form fields err blames; nil where it blames none.
func FieldsOf(err error) map[string]string {
	if fault, ok := errors.AsType[*Error](err); ok {
		return fault.Fields
	}
	return nil
}
