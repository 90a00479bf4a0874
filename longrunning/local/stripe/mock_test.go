package stripe_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"irc.now/longrunning/local/servers/process"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/payment"
)

// recorded is one call of the API that the stand-in took.
type recorded struct{ method, target, body, answer string }

// record keeps what is called and answered on the way to next.
func (s *shop) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.t.Error(err)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		answer := &tee{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		if strings.HasPrefix(r.URL.Path, "/v1/") && answer.status == http.StatusOK {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calls = append(s.calls, recorded{r.Method, r.URL.RequestURI(), string(body), answer.text.String()})
		}
	})
}

type tee struct {
	http.ResponseWriter
	status int
	text   strings.Builder
}

func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(p []byte) (int, error) {
	t.text.Write(p)
	return t.ResponseWriter.Write(p)
}

// startMock runs Stripe's own stripe-mock and gives its address.
func startMock(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, ".cache", "tools", "stripe-mock")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(root, "tests/tools/stripemock"),
		"-o", program, "github.com/stripe/stripe-mock")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build stripe-mock: %v\n%s", err, output)
	}
	address := serverstest.Address(t)
	child, err := process.Start(process.Spec{
		Name: "stripe-mock", Path: program, Args: []string{"-http-port", strconv.Itoa(int(address.Port()))},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Stop(context.Background()) })
	if err := child.WaitReady(t.Context(), process.Dial("tcp", address.String())); err != nil {
		t.Fatal(err)
	}
	return "http://" + address.String()
}

// TestOurCallsAreThoseOfStripesAPI makes every kind of call that we have, and repeats each to stripe-mock, which
// refuses parameters that the real API does not have.
func TestOurCallsAreThoseOfStripesAPI(t *testing.T) {
	mock := startMock(t)
	s := newShop(t, "")
	s.newCustomer()
	s.mustOrder(payment.Pro, 1)
	s.press(s.mustOrder(payment.Pro, 1), "pay")
	s.mustOrder(payment.Bot, 3)
	s.mustOrder(payment.Bot, 1)
	s.mustOrder(payment.Starter, 1)
	s.mustOrder(payment.Growth, 1)
	s.mustOrder(payment.Growth, 0)
	s.mustOrder(payment.Bot, 0)
	s.portal("card-asks")
	s.press(s.mustOrder(payment.Bot, 1), "pay")
	s.portal("card-works")
	s.portal("refund-part")
	s.portal("dispute")
	if _, found, err := s.client.Refund(t.Context(), s.objectOfEvent("charge.refunded")); !found || err != nil {
		t.Error(found, err)
	}
	if _, found, err := s.client.Dispute(t.Context(), s.objectOfEvent("charge.dispute.created")); !found || err != nil {
		t.Error(found, err)
	}
	s.portal("cancel")
	s.portal("keep")
	s.mustOrder(payment.Pro, 0)
	if _, err := s.client.End(t.Context(), s.customer, s.state().Subscription); err != nil {
		t.Error(err)
	}
	if _, err := s.client.Offers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Invoices(t.Context(), s.customer); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, call := range s.calls {
		status, answer := repeat(t, mock, call)
		if status != http.StatusOK {
			t.Errorf("%s %s %s: stripe-mock answered %d: %s", call.method, call.target, call.body, status, answer)
			continue
		}
		if ours, theirs := objectOf(t, call.answer), objectOf(t, answer); ours != theirs {
			t.Errorf("%s %s gives a %q here and a %q at Stripe", call.method, call.target, ours, theirs)
		}
		kinds[call.method+" "+objectOf(t, call.answer)] = true
	}
	if len(kinds) < 6 {
		t.Errorf("only these kinds of calls were made: %v", kinds)
	}
	status, answer := repeat(t, mock, recorded{method: "POST", target: "/v1/customers", body: "colour=red"})
	if status != http.StatusBadRequest {
		t.Errorf("stripe-mock takes any parameter, so this test proves nothing: %d %s", status, answer)
	}
}

func repeat(t *testing.T, mock string, call recorded) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), call.method, mock+call.target, strings.NewReader(call.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_test_123")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func objectOf(t *testing.T, answer string) string {
	t.Helper()
	var o struct {
		Object string `json:"object"`
	}
	if err := json.Unmarshal([]byte(answer), &o); err != nil {
		t.Fatal(err)
	}
	return o.Object
}
