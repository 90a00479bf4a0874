package event

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Check reports what keeps e from travelling: an attribute that is missing, or one that no HTTP header can carry and
// that CloudEvents forbids (version 1.0, section 3.1, "String"). Whoever takes an event in calls it: what cannot be
// passed on must not be accepted.
func Check(e Event) error {
	if err := e.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for name, value := range map[string]string{
		"id": e.ID(), "source": e.Source(), "type": e.Type(), "subject": e.Subject(),
		"dataschema": e.DataSchema(), "datacontenttype": e.DataContentType(),
	} {
		if !printable(value) {
			return fmt.Errorf("%w: attribute %s has a character that attributes must not have", ErrMalformed, name)
		}
	}
	for name, value := range e.Extensions() {
		if text, is := value.(string); is && !printable(text) {
			return fmt.Errorf("%w: extension %s has a character that attributes must not have", ErrMalformed, name)
		}
	}
	return nil
}

func printable(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return false
		}
	}
	return true
}
