package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"irc.now/shared/fault"
)

// Form parses a posted form into r.PostForm: at most limit bytes of it, only application/x-www-form-urlencoded,
// only valid UTF-8 without NUL. Anything else is an Invalid fault. What the values mean is for the caller to check.
func Form(w http.ResponseWriter, r *http.Request, limit int64) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return statusError{fault.New(fault.Invalid, "This address takes a form, and nothing else."), http.StatusUnsupportedMediaType}
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return statusError{fault.Wrap(err, fault.Invalid, "That is more text than this form takes. Shorten it and send it again."), http.StatusRequestEntityTooLarge}
		}
		return statusError{fault.Wrap(err, fault.Invalid, "The form arrived damaged. Go back and send it again."), http.StatusBadRequest}
	}
	return clean(r.PostForm)
}

// clean refuses what no text field of a browser sends.
func clean(form url.Values) error {
	for name, values := range form {
		for _, text := range append(values, name) {
			if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
				return statusError{fault.New(fault.Invalid, "The form holds characters that are not text. Remove them and send it again."), http.StatusBadRequest}
			}
		}
	}
	return nil
}
