package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAttribute is the most bytes an attribute may have. Consumers keep source and id in an index of PostgreSQL, whose rows
// have 2,700 bytes at most.
const maxAttribute = 1024

// Check reports what keeps e from travelling: an attribute that is missing, too long, or has a character that no HTTP header
// can carry and that CloudEvents forbids (version 1.0, section 3.1, "String"), or a time that cannot be written (RFC 3339
// knows four digits of a year). Its error wraps [ErrMalformed]: trying again will not help. Whoever takes an event in calls
// it: what cannot be passed on must not be accepted.
func Check(e Event) error {
	if err := e.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for name, value := range map[string]string{
		"id": e.ID(), "source": e.Source(), "type": e.Type(), "subject": e.Subject(),
		"dataschema": e.DataSchema(), "datacontenttype": e.DataContentType(),
	} {
		if err := checkText(value); err != nil {
			return fmt.Errorf("%w: attribute %s %w", ErrMalformed, name, err)
		}
	}
	for name, value := range e.Extensions() {
		if text, is := value.(string); is {
			if err := checkText(text); err != nil {
				return fmt.Errorf("%w: extension %s %w", ErrMalformed, name, err)
			}
		}
	}
	if at := e.Time(); at.Year() < 0 || at.Year() > 9999 {
		return fmt.Errorf("%w: its time is in the year %d", ErrMalformed, at.Year())
	}
	return nil
}

func checkText(text string) error {
	if len(text) > maxAttribute {
		return fmt.Errorf("has %d bytes, more than %d", len(text), maxAttribute)
	}
	for _, r := range text {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return errors.New("has a character that attributes must not have")
		}
	}
	return nil
}

// CheckData reports what keeps the data of e from being used or kept where the event arrives: JSON that is none, or holds
// what is no character. Its error wraps [ErrMalformed]. Who uses an event calls it beside [Check]; a broker carries any
// data. What data means that is not JSON is the consumer's business.
func CheckData(e Event) error {
	kind, data := e.DataMediaType(), e.Data()
	if len(data) == 0 || kind != "" && kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil
	}
	switch {
	case !utf8.Valid(data):
		return fmt.Errorf("%w: its data is not UTF-8", ErrMalformed)
	case !json.Valid(data):
		return fmt.Errorf("%w: its data is not JSON", ErrMalformed)
	case holdsNUL(data):
		return fmt.Errorf("%w: its data has a NUL, which no database keeps", ErrMalformed)
	}
	return nil
}

// holdsNUL looks for the escape of NUL in valid JSON, which has no other way to hold one.
func holdsNUL(text []byte) bool {
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 {
			return false
		}
		if text = text[at+1:]; bytes.HasPrefix(text, []byte("u0000")) {
			return true
		}
		text = text[1:] // valid JSON has something after a backslash, which may be another
	}
}
