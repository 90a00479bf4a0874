package bounceradmin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"

	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

const maxBody = 64 << 10 // the largest valid network is a quarter of this

func respond(w http.ResponseWriter, answer any) error {
	data, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the caller is gone where this fails
	return nil
}

// refuse reports err to the caller, and to the log where it is our trouble.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := httpfault.Status(err)
	if status >= http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "request failed", slog.String("route", r.Pattern),
			slog.String("user", r.PathValue("user")), slog.Any("error", err))
	}
	problem := bouncer.Problem{Kind: fault.KindOf(err).String(), Sentence: fault.Sentence(err), Fields: fault.FieldsOf(err)}
	data, _ := json.Marshal(problem)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, fault.Wrap(err, fault.Invalid, "That is more than a network can hold.")
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The request did not arrive whole.")
	}
	return data, nil
}

func decode(w http.ResponseWriter, r *http.Request, into any) error {
	data, err := read(w, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fault.Wrap(err, fault.Invalid, "The request cannot be read.")
	}
	return nil
}

// spec reads and validates a network. What a decoder says may repeat passwords, so it is not kept.
func (s *Server) spec(w http.ResponseWriter, r *http.Request) (bouncer.UpstreamSpec, error) {
	data, err := read(w, r)
	if err != nil {
		return bouncer.UpstreamSpec{}, err
	}
	spec, err := bouncer.DecodeSpec(data)
	if err != nil {
		return bouncer.UpstreamSpec{}, fault.New(fault.Invalid, "The request cannot be read.")
	}
	return spec, spec.Validate(s.own...)
}

// userPattern is wider than a handle, yet cannot be taken for a flag or run into another word.
var userPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`)

func checkUser(user string) error {
	if !userPattern.MatchString(user) {
		return fault.New(fault.Invalid, "That is not a user name of the bouncer.")
	}
	return nil
}
