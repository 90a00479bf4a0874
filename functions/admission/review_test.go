package admission_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/types"

	"irc.now/functions/admission"
	operatorsclient "irc.now/operators/client"
	"irc.now/operators/operatortest"
	"irc.now/shared/fault"
)

func respond(w http.ResponseWriter, r *http.Request, allowed bool) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: allowed}
	review.Request = nil
	_ = json.NewEncoder(w).Encode(review) // fails only when the asker is gone
}

// review is what the API server sends for the creation of a bouncer of ada's; change alters it.
func (w *world) review(change ...string) string {
	w.t.Helper()
	object, err := json.Marshal(w.bouncer("ada", "ada"))
	if err != nil {
		w.t.Fatal(err)
	}
	text := fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5",
		"kind":{"group":"irc.now","version":"v1alpha1","kind":"SojuBouncer"},
		"resource":{"group":"irc.now","version":"v1alpha1","resource":"sojubouncers"},
		"name":"ada","namespace":%q,"operation":"CREATE","userInfo":{"username":"somebody"},
		"object":%s,"oldObject":null,"dryRun":false,"options":null}}`, w.namespace, object)
	return strings.NewReplacer(change...).Replace(text)
}

// send posts a body to the function itself.
func (w *world) send(contentType, body, query string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+query, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// decided posts a review and reads the answer, which must be one for that review.
func (w *world) decided(body, query string) *admissionv1.AdmissionResponse {
	w.t.Helper()
	code, text := w.send("application/json", body, query)
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(text), &review); err != nil || code != http.StatusOK {
		w.t.Fatalf("%d %s (%v)", code, text, err)
	}
	if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" || review.Response == nil || review.Response.UID != types.UID("705ab4f5") {
		w.t.Fatalf("the answer is not to our review: %s", text)
	}
	return review.Response
}

func TestEveryReviewIsAnsweredWithItsUID(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	for _, review := range []string{w.review(), w.review(`"dryRun"`, `"newer":1,"dryRun"`)} {
		if got := w.decided(review, ""); !got.Allowed || got.Result != nil {
			t.Errorf("answer = %+v", got)
		}
	}
	for change, words := range map[[2]string]string{
		{`"kind":"SojuBouncer"`, `"kind":"Pod"`}:                                       "registered for too much",
		{`"version":"v1alpha1","kind"`, `"version":"v2","kind"`}:                       "registered for too much",
		{`"operation":"CREATE"`, `"operation":"CONNECT"`}:                              "registered for too much",
		{`"name":"ada","namespace"`, `"subResource":"scale","name":"ada","namespace"`}: "registered for too much",
		{`"operation":"CREATE"`, `"operation":"UPDATE"`}:                               "cannot be read", // without what there was before
		{`"role":"dedicated"`, `"role":"dedicated","paid":true`}:                       `cannot check (unknown field "paid")`,
		{`"owner":"ada"`, `"owner":"a\u0000a"`}:                                        "spec.owner says",
		{`"owner":"ada","role"`, `"Owner":"ada","role"`}:                               "cannot check",
		{`"spec":{`, `"spec":7,"x":{`}:                                                 "cannot be read",
	} {
		got := w.decided(w.review(change[0], change[1]), "")
		if got.Allowed || got.Result == nil || got.Result.Code < 400 || !strings.Contains(got.Result.Message, words) {
			t.Errorf("%s: %+v, want a refusal with %q", change[1], got.Result, words)
		}
	}
	for _, change := range [][2]string{{`"operation":"CREATE"`, `"operation":"DELETE"`}, {`"name":"ada","namespace"`, `"subResource":"status","name":"ada","namespace"`}} {
		if got := w.decided(w.review(change[0], change[1]), ""); !got.Allowed {
			t.Errorf("%s: %+v", change[1], got.Result)
		}
	}
}

func TestWhatIsNoReviewIsRefused(t *testing.T) {
	w := newWorld(t)
	const kind = "application/json"
	for body, c := range map[string]struct {
		kind string
		code int
	}{
		"":                {kind, 400},
		"garbage":         {kind, 400},
		"null":            {kind, 400},
		"[]":              {kind, 400},
		"{}":              {kind, 400},
		w.review():        {"text/plain", 400},
		w.review() + "{}": {kind, 400},
		w.review(`admission.k8s.io/v1"`, `admission.k8s.io/v1beta1"`):    {kind, 400},
		w.review(`"AdmissionReview"`, `"Review"`):                        {kind, 400},
		w.review(`"uid":"705ab4f5",`, ``):                                {kind, 400},
		w.review(`"uid":"705ab4f5"`, `"uid":"705ab4f5","uid":"another"`): {kind, 400},
		w.review(`"uid"`, `"UID"`):                                       {kind, 400},
		w.review(`"somebody"`, `"`+strings.Repeat("x", 1<<20)+`"`):       {kind, 413},
		strings.Repeat("[", 1<<19):                                       {kind, 400},
	} {
		if code, text := w.send(c.kind, body, ""); code != c.code {
			t.Errorf("%.60q as %s: %d %s, want %d", body, c.kind, code, text, c.code)
		}
	}
	if n := w.claims(); n != 0 {
		t.Errorf("%d claims were made by what is no review", n)
	}
}

func TestWithoutItsDatabaseItRefusesAndSaysSo(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	network := w.network("ada-net", "ada", 50)
	w.stored(network)
	back := w.away()
	got := w.decided(w.review(), "")
	if got.Allowed || got.Result.Code != http.StatusServiceUnavailable || got.Result.Details.RetryAfterSeconds == 0 ||
		!strings.Contains(got.Result.Message, "Our database is away for a moment.") {
		t.Errorf("answer = %+v", got.Result)
	}
	portal, err := operatorsclient.New(operatortest.Shared(t).Config(), w.namespace)
	if err != nil {
		t.Fatal(err)
	}
	_, err = portal.Bouncers().Create(t.Context(), w.bouncer("ada", "ada"))
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err), "Our database is away for a moment.") {
		t.Errorf("the portal is told %v", err)
	}
	w.allowed(w.change(w.client, network, `{"spec":{"suspended":true}}`)) // nothing grows
	back()
	w.allowed(w.try(w.bouncer("ada", "ada")))
}

func TestWithoutTheClusterItRefusesAndSaysSo(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.env["KUBERNETES_API_URL"] = "http://127.0.0.1:1"
	w.serve(w.env)
	got := w.decided(w.review(), "")
	if got.Allowed || got.Result.Code != http.StatusServiceUnavailable || got.Result.Details.RetryAfterSeconds == 0 ||
		!strings.Contains(got.Result.Message, "does not answer as it should") {
		t.Errorf("answer = %+v", got.Result)
	}
	if n := w.claims(); n != 0 {
		t.Errorf("%d claims were made without knowing what is there", n)
	}
}

// A function that may not list is one that nobody gave its role; it must not let in what it cannot count.
func TestWithoutPermissionItRefuses(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	w.env["KUBERNETES_TOKEN_FILE"] = w.file("token", []byte("nobody's"))
	w.serve(w.env)
	if got := w.decided(w.review(), ""); got.Allowed || got.Result.Code != http.StatusInternalServerError {
		t.Errorf("answer = %+v", got.Result)
	}
}

// mute takes connections and never says anything.
func mute(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// longestReview is what the webhook's registration gives a review. That a shorter one gets its share of it is
// TestADecisionEndsWithItsReview's: a busy machine may be late by more than the difference.
const longestReview = 10 * time.Second

func TestItAnswersBeforeTheAPIServerGivesUp(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	for name, address := range map[string]string{
		"ACCOUNTS_DATABASE_URL": "postgres://nobody@" + mute(t) + "/none", "KUBERNETES_API_URL": "http://" + mute(t),
	} {
		was := w.env[name]
		w.env[name] = address
		w.serve(w.env)
		w.env[name] = was
		began := time.Now()
		got := w.decided(w.review(), "?timeout=1s")
		if took := time.Since(began); took > longestReview {
			t.Errorf("%s: an answer within a second took %v", name, took)
		}
		if got.Allowed || got.Result.Code != http.StatusServiceUnavailable || got.Result.Message == "" {
			t.Errorf("%s: %+v", name, got.Result)
		}
	}
}

func TestDecisionsAreLoggedAndCountedWithoutBodies(t *testing.T) {
	w := newWorld(t)
	w.user("ada", pro)
	titled := w.bouncer("ada", "ada")
	titled.Spec.Title = "what-is-in-the-body"
	w.allowed(w.as("somebody").Create(t.Context(), titled))
	w.refused(w.try(w.bouncer("second", "ada")), "Delete one first")
	text := w.logs.String()
	for _, want := range []string{"user=somebody", "kind=SojuBouncer", "name=ada", "operation=CREATE", "result=allowed", "result=refused", "Delete one first"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if strings.Contains(text, "what-is-in-the-body") || strings.Contains(text, w.env["ACCOUNTS_DATABASE_URL"]) {
		t.Errorf("the log holds too much: %s", text)
	}
	metrics := httptest.NewRecorder()
	instance, ok := (*w.front.to.Load()).(interface{ Internal() http.Handler })
	if !ok {
		t.Fatal("no instance is behind the webhook")
	}
	instance.Internal().ServeHTTP(metrics, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	for _, want := range []string{
		`admission_decisions_total{kind="SojuBouncer",operation="CREATE",result="allowed"} 1`,
		`admission_decisions_total{kind="SojuBouncer",operation="CREATE",result="refused"} 1`,
		`admission_decision_duration_seconds_count{kind="SojuBouncer",operation="CREATE"} 2`,
	} {
		if !bytes.Contains(metrics.Body.Bytes(), []byte(want)) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestEveryProblemOfTheEnvironmentIsNamed(t *testing.T) {
	err := admission.New().Start(t.Context(), nil)
	for _, name := range []string{"ACCOUNTS_DATABASE_URL", "TENANT_NAMESPACE"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}
