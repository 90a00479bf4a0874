package stripe

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// apiError is an error as Stripe answers it.
type apiError struct {
	Status      int    `json:"-"`
	Type        string `json:"type"`
	Code        string `json:"code,omitempty"`
	DeclineCode string `json:"decline_code,omitempty"`
	Message     string `json:"message"`
	Param       string `json:"param,omitempty"`
}

func (e *apiError) Error() string { return e.Message }

func invalid(param, code, format string, args ...any) *apiError {
	return &apiError{
		Status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param,
		Message: fmt.Sprintf(format, args...),
	}
}

// noSuch is about the object that a path names.
func noSuch(kind, id string) *apiError {
	e := noSuchIn("id", kind, id)
	e.Status = http.StatusNotFound
	return e
}

// noSuchIn is about an object that a parameter names.
func noSuchIn(param, kind, id string) *apiError {
	return invalid(param, "resource_missing", "No such %s: '%s'", kind, id)
}

// noCard has the same code and blames no parameter, as at Stripe.
func noCard() *apiError {
	return invalid("", "resource_missing", "This customer has no attached payment source or default payment method.")
}

func requiresAction() *apiError {
	return &apiError{
		Status: http.StatusPaymentRequired, Type: "card_error", Code: "subscription_payment_intent_requires_action",
		Message: "Payment for this subscription requires additional user action before it can be completed successfully.",
	}
}

func declined() *apiError {
	return &apiError{
		Status: http.StatusPaymentRequired, Type: "card_error", Code: "card_declined",
		DeclineCode: "generic_decline", Message: "Your card was declined.",
	}
}

// form is the parameters of a call. Whoever reads them notes what it knows, so that the rest can be refused. The first
// problem stays.
type form struct {
	values url.Values
	known  map[string]bool
	err    *apiError
}

func newForm(values url.Values) *form { return &form{values: values, known: map[string]bool{}} }

func (f *form) fail(err *apiError) {
	if f.err == nil {
		f.err = err
	}
}

func (f *form) has(name string) bool {
	f.known[name] = true
	return f.values.Has(name)
}

func (f *form) text(name string) string {
	f.known[name] = true
	return f.values.Get(name)
}

func (f *form) required(name string) string {
	text := f.text(name)
	if text == "" {
		f.fail(invalid(name, "parameter_missing", "Missing required param: %s.", name))
	}
	return text
}

// oneOf is empty where the parameter is not given.
func (f *form) oneOf(name string, allowed ...string) string {
	text := f.text(name)
	for _, value := range append(allowed, "") {
		if text == value {
			return text
		}
	}
	f.fail(invalid(name, "parameter_invalid_empty", "Invalid %s: must be one of %s", name, strings.Join(allowed, ", ")))
	return ""
}

func (f *form) number(name string, otherwise int64) int64 {
	text := f.text(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		f.fail(invalid(name, "parameter_invalid_integer", "Invalid integer: %s", text))
	}
	return n
}

func (f *form) yes(name string) bool {
	return f.oneOf(name, "true", "false") == "true"
}

// entries gives "NAME[0]", "NAME[1]" … as far as there are any.
func (f *form) entries(name string) (prefixes []string) {
	for i := 0; ; i++ {
		prefix := fmt.Sprintf("%s[%d]", name, i)
		if !f.hasPrefix(prefix + "[") {
			return prefixes
		}
		prefixes = append(prefixes, prefix)
	}
}

// expands reports whether the answer is to hold the object that field names.
func (f *form) expands(field string) (yes bool) {
	for i := 0; ; i++ {
		name := fmt.Sprintf("expand[%d]", i)
		if !f.has(name) {
			return yes
		}
		yes = yes || f.values.Get(name) == field
	}
}

func (f *form) hasPrefix(prefix string) bool {
	for key := range f.values {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// metadata reads NAME[key]=value.
func (f *form) metadata(name string) metadata {
	m := metadata{}
	for key := range f.values {
		if inner, ok := strings.CutPrefix(key, name+"["); ok && strings.HasSuffix(inner, "]") {
			m[strings.TrimSuffix(inner, "]")] = f.text(key)
		}
	}
	return m
}

// check is the first problem, a parameter that nobody asked for included.
func (f *form) check() error {
	for key := range f.values {
		if !f.known[key] {
			f.fail(invalid(key, "parameter_unknown", "Received unknown parameter: %s", key))
		}
	}
	if f.err != nil {
		return f.err
	}
	return nil
}
