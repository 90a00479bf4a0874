package stripe

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// maxBody bounds every request.
const maxBody = 1 << 20

// maxAnswers bounds how many answers are kept for idempotency keys.
const maxAnswers = 1000

// call is one operation of the API: it reads the form, checks it with form.check, then acts and gives the object to
// answer with. It runs under the lock; what it changed before an error stays, so it checks first.
type call func(s *state, id string, f *form) (any, error)

// keptAnswer is what a POST with an idempotency key was answered.
type keptAnswer struct {
	request string
	status  int
	body    []byte
}

func (s *Server) apiRoutes(mux *http.ServeMux) {
	for pattern, c := range map[string]call{
		"POST /v1/customers":                     s.createCustomer,
		"GET /v1/customers/{id}":                 s.getCustomer,
		"POST /v1/customers/{id}":                s.updateCustomer,
		"DELETE /v1/customers/{id}":              s.deleteCustomer,
		"GET /v1/prices/{id}":                    s.getPrice,
		"POST /v1/checkout/sessions":             s.createSession,
		"GET /v1/checkout/sessions":              s.listSessions,
		"GET /v1/checkout/sessions/{id}":         s.getSession,
		"POST /v1/checkout/sessions/{id}/expire": s.expireSession,
		"GET /v1/subscriptions":                  s.listSubscriptions,
		"POST /v1/subscriptions":                 s.createSubscription,
		"GET /v1/subscriptions/{id}":             s.getSubscription,
		"POST /v1/subscriptions/{id}":            s.updateSubscription,
		"DELETE /v1/subscriptions/{id}":          s.cancelSubscription,
		"GET /v1/invoices":                       s.listInvoices,
		"GET /v1/charges/{id}":                   s.getCharge,
		"GET /v1/disputes/{id}":                  s.getDispute,
		"POST /v1/billing_portal/sessions":       s.createPortal,
	} {
		mux.HandleFunc(pattern, s.api(c))
	}
	mux.HandleFunc("/v1/", s.api(func(_ *state, _ string, _ *form) (any, error) {
		e := invalid("", "", "Unrecognized request URL. The stand-in does not know it.")
		e.Status = http.StatusNotFound
		return nil, e
	}))
}

// api is where trust begins for the API: a key, a bounded form, and a name for the same request sent twice.
func (s *Server) api(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Request-Id", newID("req"))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status, body := s.answer(r, c)
		w.WriteHeader(status)
		_, _ = w.Write(body) //nolint:gosec // JSON, and sent as such
	}
}

func (s *Server) answer(r *http.Request, c call) (int, []byte) {
	if key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !s.config.Key.Equal(key) {
		return encode(nil, &apiError{
			Status: http.StatusUnauthorized, Type: "invalid_request_error", Message: "Invalid API Key provided.",
		})
	}
	if err := r.ParseForm(); err != nil {
		return encode(nil, invalid("", "", "The form cannot be read."))
	}
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost || key == "" {
		return s.run(r, c)
	}
	return s.once(key, r, c)
}

// formOf reads the query of a GET and the body of a POST. DELETE has its parameters in the body too, which net/http
// does not parse; we have none.
func formOf(r *http.Request) *form {
	values := url.Values{}
	for key, value := range r.Form {
		values[key] = value
	}
	return newForm(values)
}

// once answers the same request with the same key as it was answered the first time.
func (s *Server) once(key string, r *http.Request, c call) (int, []byte) {
	request := r.URL.Path + "?" + r.PostForm.Encode()
	s.mu.Lock()
	kept, found := s.answers[key]
	s.mu.Unlock()
	if found && kept.request != request {
		return encode(nil, &apiError{
			Status: http.StatusBadRequest, Type: "idempotency_error",
			Message: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
		})
	}
	if found {
		return kept.status, kept.body
	}
	status, body := s.run(r, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) >= maxAnswers {
		clear(s.answers)
	}
	s.answers[key] = keptAnswer{request: request, status: status, body: body}
	return status, body
}

func (s *Server) run(r *http.Request, c call) (status int, body []byte) {
	locked := s.change
	if r.Method == http.MethodGet {
		locked = s.read
	}
	err := locked(func(st *state) error {
		object, err := c(st, r.PathValue("id"), formOf(r))
		status, body = encode(object, err)
		return err
	})
	if _, ours := errors.AsType[*apiError](err); err != nil && !ours {
		s.config.Log.ErrorContext(r.Context(), "stripe stand-in failed", "error", err)
		return encode(nil, err)
	}
	return status, body
}

// encode runs under the lock: the object may change as soon as it is released.
func encode(object any, err error) (int, []byte) {
	status := http.StatusOK
	if err != nil {
		refused, ok := errors.AsType[*apiError](err)
		if !ok {
			refused = &apiError{Status: http.StatusInternalServerError, Type: "api_error", Message: "The stand-in failed."}
		}
		status, object = refused.Status, map[string]any{"error": refused}
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(object); err != nil {
		return http.StatusInternalServerError, []byte(`{"error":{"type":"api_error"}}`)
	}
	return status, body.Bytes()
}

// page cuts a list as its limit and starting_after say. The newest come first, as at Stripe.
func page[T any](f *form, url string, oldestFirst []T, id func(T) string) list[T] {
	limit, after := int(f.number("limit", 10)), f.text("starting_after")
	found := after == ""
	result := listOf[T](url, nil)
	for i := len(oldestFirst) - 1; i >= 0; i-- {
		switch {
		case !found:
			found = id(oldestFirst[i]) == after
		case len(result.Data) == limit:
			result.HasMore = true
			return result
		default:
			result.Data = append(result.Data, oldestFirst[i])
		}
	}
	return result
}
