package introspect

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"

	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
	"irc.now/shared/throttle"
)

const (
	metadataPath   = "/.well-known/oauth-authorization-server"
	introspectPath = "/introspect"
	retryAfter     = "5" // seconds
)

// metadata is RFC 8414 section 2. soju reads it once, at its start.
func (f *Function) metadata(w http.ResponseWriter, r *http.Request) {
	issuer := f.base.Join(scopeOf(r).path())
	reply(w, http.StatusOK, map[string]any{
		"issuer":                 issuer,
		"introspection_endpoint": issuer + introspectPath,
		"introspection_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"response_types_supported":                      []string{}, // required; nobody gets a token here
	})
}

// introspect is RFC 7662 section 2. Until the client has shown its secret, nothing of the request is looked at.
func (f *Function) introspect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := f.authenticate(r); err != nil {
		f.refuse(w, r, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		f.refuse(w, r, unreadable(err))
		return
	}
	token, err := parseToken(r.Header.Get("Content-Type"), string(body))
	if err != nil {
		f.refuse(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	answer, err := f.lookUp(ctx, question{token: token, address: clientAddress(r), of: scopeOf(r)})
	if err != nil {
		f.refuse(w, r, err)
		return
	}
	reply(w, http.StatusOK, answer)
}

func (f *Function) authenticate(r *http.Request) error {
	name, secret, ok := credentials(r)
	if ok && f.mayAsk(scopeOf(r), name, secret) {
		return nil
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if !f.limits.clientFailures.Allow(throttle.AddressKey(host)) {
		return fault.New(fault.RateLimited, "Too many tries. Wait a moment.")
	}
	return fault.New(fault.Unauthenticated, "Send a client's name and secret by HTTP Basic.")
}

func unreadable(err error) error {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return fault.Wrap(err, fault.Invalid, "The body is longer than %d bytes.", maxBody)
	}
	return fault.Wrap(err, fault.Invalid, "The body cannot be read.")
}

// codes are the errors of RFC 6749 section 5.2 and RFC 7662 section 2.3; what has none is a server_error.
var codes = map[fault.Kind]string{
	fault.Invalid: "invalid_request", fault.Unauthenticated: "invalid_client",
	fault.RateLimited: "temporarily_unavailable", fault.Unavailable: "temporarily_unavailable",
}

// refuse answers with an error of OAuth.
func (f *Function) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, code := httpfault.Status(err), cmp.Or(codes[fault.KindOf(err)], "server_error")
	switch fault.KindOf(err) {
	case fault.Invalid:
		status = http.StatusBadRequest // as RFC 6749 asks
	case fault.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Basic realm="introspect", charset="UTF-8"`)
	case fault.RateLimited, fault.Unavailable:
		w.Header().Set("Retry-After", retryAfter)
	default:
	}
	if status >= http.StatusInternalServerError {
		f.log.ErrorContext(r.Context(), "introspection failed", "error", err)
	} else {
		f.log.WarnContext(r.Context(), "introspection refused", "error", err)
	}
	reply(w, status, map[string]string{"error": code, "error_description": fault.Sentence(err)})
}

func reply(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		status = http.StatusInternalServerError // what is encoded is ours and always can be
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // fails only when the asker is gone
}
