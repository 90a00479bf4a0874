package stripe_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stripe/stripe-go/v76/webhook"

	"irc.now/longrunning/local/servers/process"
)

// runtimeAPI is as much of the Lambda Runtime API (2018-06-01) as one function needs that answers one request at a time.
func runtimeAPI(t *testing.T, payloads <-chan string, answers chan<- string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case payload := <-payloads:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "invocation")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			_, _ = io.WriteString(w, payload)
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		answers <- string(body)
		w.WriteHeader(http.StatusAccepted)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}

// functionURL is r as a Lambda Function URL hands it over: the body in base64, header names in lower case.
func functionURL(t *testing.T, body, signature string) string {
	t.Helper()
	payload, err := json.Marshal(events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: "/webhook", Body: base64.StdEncoding.EncodeToString([]byte(body)), IsBase64Encoded: true,
		Headers: map[string]string{"content-type": "application/json", "stripe-signature": signature, "host": "x.on.aws"},
		RequestContext: events.LambdaFunctionURLRequestContext{
			DomainName: "x.on.aws", HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{Method: "POST", Path: "/webhook"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

// TestTheSameProgramRunsOnLambda builds the program that runs everywhere else, too.
func TestTheSameProgramRunsOnLambda(t *testing.T) {
	program := filepath.Join(t.TempDir(), "stripe")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	b := newBroker(t)
	payloads, answers := make(chan string, 1), make(chan string, 1)
	child, err := process.Start(process.Spec{Name: "stripe", Path: program, Env: []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI(t, payloads, answers),
		"STRIPE_WEBHOOK_SECRETS=" + presentSecret, "K_SINK=" + b.URL,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Stop(context.Background()) })
	for secret, want := range map[string]int{presentSecret: http.StatusNoContent, "whsec_guess": http.StatusBadRequest} {
		signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
			Payload: []byte(subscriptionUpdated), Secret: secret, Timestamp: time.Now(),
		})
		payloads <- functionURL(t, subscriptionUpdated, signed.Header)
		select {
		case answer := <-answers:
			var response events.LambdaFunctionURLResponse
			if err := json.Unmarshal([]byte(answer), &response); err != nil || response.StatusCode != want {
				t.Errorf("got %s (%v), want status %d", answer, err, want)
			}
		case <-child.Done():
			t.Fatalf("it ended: %v", child.Err())
		}
	}
	if taken := b.taken(); len(taken) != 1 || taken[0].ID() != "evt_1" {
		t.Errorf("the broker got %v", taken)
	}
}
