package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

const (
	maxBody = 1 << 20

	// longest is how long a decision may take: the API server gives a review ten seconds, of which starting from zero
	// takes one or two.
	longest = 7 * time.Second

	// retryAfter is when clients of the API server try by themselves what could not be decided: kubectl ten times
	// before it shows why.
	retryAfter = 1 // second
)

// answer decides one review. Whatever is decided is said with 200; other codes are for what is no review.
func (f *Function) answer(w http.ResponseWriter, r *http.Request) {
	request, err := readReview(w, r)
	if err != nil {
		f.log.WarnContext(r.Context(), "no review", "error", err)
		status := http.StatusBadRequest
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "This is no AdmissionReview of admission.k8s.io/v1: "+err.Error(), status)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience(r))
	defer cancel()
	began := time.Now()
	err = f.decide(ctx, request)
	f.record(r.Context(), request, err, time.Since(began))
	reply(w, request, err)
}

// patience leaves the API server, which says how long it waits, the time to hear why it was refused.
func patience(r *http.Request) time.Duration {
	waits, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || waits <= 0 {
		return longest
	}
	return min(waits*7/10, longest)
}

// readReview refuses what is there twice, which may mean something else to whoever wrote it. What a newer API server
// says beyond what we know is left out, as between versions of admission.k8s.io/v1: else it could change nothing of ours.
func readReview(w http.ResponseWriter, r *http.Request) (*admissionv1.AdmissionRequest, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, errors.New("the content type is not application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	var review admissionv1.AdmissionReview
	strict, err := kjson.UnmarshalStrict(body, &review, kjson.DisallowDuplicateFields)
	switch err := errors.Join(append(strict, err)...); {
	case err != nil:
		return nil, err
	case review.APIVersion != admissionv1.SchemeGroupVersion.String() || review.Kind != "AdmissionReview":
		return nil, errors.New("the kind or version is another one")
	case review.Request == nil || review.Request.UID == "":
		return nil, errors.New("it has no request with a uid")
	}
	return review.Request, nil
}

// record counts and logs a decision, and nothing of the object but its name.
func (f *Function) record(ctx context.Context, r *admissionv1.AdmissionRequest, err error, took time.Duration) {
	kind, operation := "other", "other"
	if ours(r) {
		kind = r.Kind.Kind
	}
	switch r.Operation {
	case admissionv1.Create, admissionv1.Update, admissionv1.Delete:
		operation = string(r.Operation)
	case admissionv1.Connect:
	}
	result := resultOf(err)
	f.decisions.WithLabelValues(kind, operation, result).Inc()
	f.durations.WithLabelValues(kind, operation).Observe(took.Seconds())
	level := slog.LevelInfo
	if result == "failed" {
		level = slog.LevelError
	}
	f.log.Log(ctx, level, "decided", "user", r.UserInfo.Username, "kind", r.Kind.Kind, "namespace", r.Namespace, "name", r.Name,
		"operation", string(r.Operation), "uid", string(r.UID), "dry_run", r.DryRun != nil && *r.DryRun, "result", result,
		"duration", took, "error", err)
}

func resultOf(err error) string {
	switch {
	case err == nil:
		return "allowed"
	case fault.Is(err, fault.Internal), fault.Is(err, fault.Unavailable):
		return "failed"
	default:
		return "refused"
	}
}

func reply(w http.ResponseWriter, r *admissionv1.AdmissionRequest, err error) {
	response := &admissionv1.AdmissionResponse{UID: r.UID, Allowed: err == nil}
	if err != nil {
		response.Result = status(err)
	}
	review := admissionv1.AdmissionReview{Response: response}
	review.SetGroupVersionKind(admissionv1.SchemeGroupVersion.WithKind("AdmissionReview"))
	body, err := json.Marshal(review)
	if err != nil {
		http.Error(w, "The answer cannot be written.", http.StatusInternalServerError) // what is written is ours and always can be
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // fails only when the asker is gone
}

// reasons are Kubernetes' words for our kinds.
var reasons = map[fault.Kind]metav1.StatusReason{
	fault.Internal:        metav1.StatusReasonInternalError,
	fault.Unavailable:     metav1.StatusReasonServiceUnavailable,
	fault.NotFound:        metav1.StatusReasonNotFound,
	fault.Invalid:         metav1.StatusReasonInvalid,
	fault.Conflict:        metav1.StatusReasonConflict,
	fault.Unauthenticated: metav1.StatusReasonUnauthorized,
	fault.Forbidden:       metav1.StatusReasonForbidden,
	fault.OverQuota:       metav1.StatusReasonForbidden,
	fault.RateLimited:     metav1.StatusReasonTooManyRequests,
}

// status is what the API server answers its client with.
func status(err error) *metav1.Status {
	kind := fault.KindOf(err)
	s := &metav1.Status{
		Status: metav1.StatusFailure, Message: fault.Sentence(err),
		Code: int32(httpfault.Status(err)), Reason: reasons[kind], //nolint:gosec // a status is a small number
	}
	if kind == fault.Unavailable {
		s.Details = &metav1.StatusDetails{RetryAfterSeconds: retryAfter}
	}
	return s
}
