package function_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// runtimeAPI is the Lambda Runtime API as AWS documents it (version 2018-06-01), for one function.
type runtimeAPI struct {
	*httptest.Server
	t           *testing.T
	invocations chan string // payloads, for GET …/invocation/next
	outcomes    chan outcome
	counter     atomic.Int64
}

// outcome is what the function posted.
type outcome struct{ what, id, body string }

func newRuntimeAPI(t *testing.T) *runtimeAPI {
	t.Helper()
	api := &runtimeAPI{t: t, invocations: make(chan string, 10), outcomes: make(chan outcome, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", api.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", api.outcome)
	mux.HandleFunc("POST /2018-06-01/runtime/init/{what}", api.outcome)
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lambda-Extension-Identifier", "extension")
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // an extension without events waits for ever
	})
	api.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		api.CloseClientConnections()
		api.Close()
	})
	return api
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case payload := <-a.invocations:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("invocation-%d", a.counter.Add(1)))
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(20*time.Second).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:child")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
		_, _ = io.WriteString(w, payload)
	}
}

func (a *runtimeAPI) outcome(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Errorf("read outcome: %v", err)
	}
	a.outcomes <- outcome{r.PathValue("what"), r.PathValue("id"), string(body)}
	w.WriteHeader(http.StatusAccepted)
}

// invoke has the function answer payload.
func (a *runtimeAPI) invoke(payload string) outcome {
	a.t.Helper()
	a.invocations <- payload
	return a.wait()
}

func (a *runtimeAPI) wait() outcome {
	a.t.Helper()
	select {
	case got := <-a.outcomes:
		return got
	case <-time.After(20 * time.Second):
		a.t.Fatal("the function answered nothing")
		return outcome{}
	}
}

func (a *runtimeAPI) answer(payload string) events.APIGatewayV2HTTPResponse {
	a.t.Helper()
	got := a.invoke(payload)
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal([]byte(got.body), &response); err != nil || got.what != "response" {
		a.t.Fatalf("%s %s: %v", got.what, got.body, err)
	}
	return response
}

func startOnLambda(t *testing.T) (*runtimeAPI, *child) {
	t.Helper()
	api := newRuntimeAPI(t)
	c := startChild(t, "http", "FIRST=1", "SECOND=2", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	c.letStart()
	return api, c
}

// The two payloads follow the examples in AWS's documentation.
const functionURLPayload = `{
  "version": "2.0", "routeKey": "$default", "rawPath": "/my/p%20th", "rawQueryString": "a=1&a=2&b=%2F",
  "cookies": ["session=s1", "theme=light"],
  "headers": {
    "host": "abc.lambda-url.eu-central-1.on.aws", "accept": "text/html,application/xhtml+xml",
    "user-agent": "Mozilla/5.0 (KHTML, like Gecko)", "if-modified-since": "Sun, 22 Nov 2026 03:00:00 GMT",
    "x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https", "content-type": "application/x-www-form-urlencoded"
  },
  "requestContext": {
    "accountId": "anonymous", "apiId": "abc", "domainName": "abc.lambda-url.eu-central-1.on.aws", "requestId": "r",
    "http": {"method": "POST", "path": "/my/p th", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "x"}
  },
  "body": "bmFtZT1saWJlcmE=", "isBase64Encoded": true
}`

const gatewayPayload = `{
  "version": "2.0", "routeKey": "ANY /{proxy+}", "rawPath": "/my/p th", "rawQueryString": "",
  "headers": {"host": "my.irc.now", "x-request-id": "caller-1", "accept": "a, b"},
  "requestContext": {
    "accountId": "123456789012", "apiId": "api", "domainName": "my.irc.now", "stage": "$default", "requestId": "r",
    "http": {"method": "PUT", "path": "/my/p th", "protocol": "HTTP/1.1", "sourceIp": "2001:db8::7"}
  },
  "body": "plain ü", "isBase64Encoded": false
}`

func TestLambdaFunctionURL(t *testing.T) {
	api, c := startOnLambda(t)
	response := api.answer(functionURLPayload)
	var s seen
	if err := json.Unmarshal([]byte(response.Body), &s); err != nil || response.IsBase64Encoded || response.StatusCode != http.StatusOK {
		t.Fatalf("%+v: %v", response, err)
	}
	if s.Method != http.MethodPost || s.Path != "/my/p th" || s.Query != "a=1&a=2&b=%2F" || s.Body != "name=libera" ||
		s.Host != "abc.lambda-url.eu-central-1.on.aws" || s.Proto != "HTTP/1.1" || s.Remote != "192.0.2.7:0" || !s.Deadline {
		t.Errorf("the function saw %+v", s)
	}
	if strings.Join(s.Cookies, " ") != "session=s1 theme=light" {
		t.Errorf("cookies %v", s.Cookies)
	}
	for name, want := range map[string]string{
		"User-Agent": "Mozilla/5.0 (KHTML, like Gecko)", "If-Modified-Since": "Sun, 22 Nov 2026 03:00:00 GMT",
		"Accept": "text/html,application/xhtml+xml", "X-Request-Id": "invocation-1",
	} {
		if got := s.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if response.Headers["X-Request-Id"] != "invocation-1" || response.Headers["Content-Type"] != "application/json" {
		t.Errorf("headers %v", response.Headers)
	}
	c.terminate()
	if code := c.exit(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

func TestLambdaGateway(t *testing.T) {
	api, _ := startOnLambda(t)
	response := api.answer(gatewayPayload)
	var s seen
	if err := json.Unmarshal([]byte(response.Body), &s); err != nil {
		t.Fatalf("%+v: %v", response, err)
	}
	if s.Method != http.MethodPut || s.Path != "/my/p th" || s.Body != "plain ü" || s.Host != "my.irc.now" ||
		s.Remote != "[2001:db8::7]:0" || response.Headers["X-Request-Id"] != "caller-1" {
		t.Errorf("the function saw %+v, answered %v", s, response.Headers)
	}
}

func withPath(path string) string { return strings.Replace(gatewayPayload, "/my/p th", path, 1) }

func TestLambdaAnswersBinaryBodiesCookiesAndManyValues(t *testing.T) {
	api, _ := startOnLambda(t)
	response := api.answer(withPath("/binary"))
	body, err := base64.StdEncoding.DecodeString(response.Body)
	if err != nil || !response.IsBase64Encoded || string(body) != "\x89PNG\xff" {
		t.Errorf("body %q (base64 %v), %v", response.Body, response.IsBase64Encoded, err)
	}
	if strings.Join(response.Cookies, "|") != "a=1|b=2" || response.Headers["Set-Cookie"] != "" {
		t.Errorf("cookies %v, headers %v", response.Cookies, response.Headers)
	}
	if response.Headers["Vary"] != "Accept, Cookie" {
		t.Errorf("Vary %q", response.Headers["Vary"])
	}
}

func TestLambdaSurvivesPanicsAndBadPayloads(t *testing.T) {
	api, c := startOnLambda(t)
	if response := api.answer(withPath("/panic")); response.StatusCode != http.StatusInternalServerError || !strings.Contains(response.Body, "Request id: caller-1") {
		t.Errorf("panic: %+v", response)
	}
	c.record("request panicked")
	if response := api.answer(withPath("/cut")); response.StatusCode != http.StatusBadGateway || strings.Contains(response.Body, "half") {
		t.Errorf("an answer cut short: %+v", response)
	}
	for name, payload := range map[string]string{
		"path without slash": withPath("my"),
		"CRLF in a header":   strings.Replace(gatewayPayload, "a, b", `a\r\nX-Injected: 1`, 1),
		"header name":        strings.Replace(gatewayPayload, `"accept"`, `"acc\r\nept"`, 1),
		"bad base64":         strings.Replace(strings.Replace(gatewayPayload, "plain", "***", 1), "false", "true", 1),
		"bad method":         strings.Replace(gatewayPayload, "PUT", "P T", 1),
	} {
		if response := api.answer(payload); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %+v", name, response)
		}
	}
	for name, payload := range map[string]string{
		"payload 1.0": `{"version":"1.0","httpMethod":"GET","path":"/"}`, "no HTTP": `{"Records":[]}`, "no object": `[]`,
	} {
		if got := api.invoke(payload); got.what != "error" {
			t.Errorf("%s: %s %s", name, got.what, got.body)
		}
	}
	if response := api.answer(gatewayPayload); response.StatusCode != http.StatusOK {
		t.Errorf("after all that: %d", response.StatusCode)
	}
	if response := api.answer(withPath("/metrics")); strings.Contains(response.Body, "go_goroutines") {
		t.Error("metrics are public on Lambda")
	}
}

func TestLambdaIsToldWhyStartFailed(t *testing.T) {
	api := newRuntimeAPI(t)
	c := startChild(t, "http", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	if got := api.wait(); got.what != "error" || got.id != "" || !strings.Contains(got.body, "FIRST is not set") {
		t.Errorf("init outcome %+v", got)
	}
	if code := c.exit(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}
