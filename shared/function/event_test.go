package function_test

import (
	"net/http"
	"strings"
	"testing"
)

const lastingEvent = `{"specversion":"1.0","type":"lasting","source":"/test","id":"1"}`

// sendEvent gives a running program an event that was made in the request id, in both modes.
func sendEvent(t *testing.T, mode, base, id string) reply {
	t.Helper()
	if mode == "binary" {
		return do(t, http.DefaultClient, http.MethodPost, base, strings.NewReader("{}"), "Content-Type", "application/json",
			"Ce-Specversion", "1.0", "Ce-Type", "short", "Ce-Source", "/test", "Ce-Id", "1", "Ce-Requestid", id)
	}
	body := `{"specversion":"1.0","type":"short","source":"/test","id":"1","requestid":"` + id + `"}`
	return do(t, http.DefaultClient, http.MethodPost, base, strings.NewReader(body), "Content-Type", "application/cloudevents+json")
}

func TestTheRequestAnEventWasMadeInIsFollowed(t *testing.T) {
	for _, mode := range []string{"binary", "structured"} {
		t.Run(mode, func(t *testing.T) {
			c := startChild(t, "event", "LISTEN_ADDRESS=127.0.0.1:0")
			got := sendEvent(t, mode, "http://"+c.address(), "signup-1")
			if id := got.Header.Get("X-Request-Id"); got.StatusCode != http.StatusAccepted || id != "signup-1" {
				t.Errorf("%d with request id %q", got.StatusCode, id)
			}
			for _, message := range []string{"handling", "request"} {
				if record := c.record(message); record["request_id"] != "signup-1" {
					t.Errorf("%q is logged with %v", message, record["request_id"])
				}
			}
		})
	}
}

func TestAHostileRequestIDOfAnEventIsNotFollowed(t *testing.T) {
	for _, mode := range []string{"binary", "structured"} {
		t.Run(mode, func(t *testing.T) {
			c := startChild(t, "event", "LISTEN_ADDRESS=127.0.0.1:0")
			base := "http://" + c.address()
			for _, hostile := range []string{"<script>", strings.Repeat("x", 65), "a b"} {
				got := sendEvent(t, mode, base, hostile)
				id := got.Header.Get("X-Request-Id")
				if got.StatusCode != http.StatusAccepted || id == "" || id == hostile {
					t.Errorf("%q: %d with request id %q", hostile, got.StatusCode, id)
				}
				if record := c.record("request"); record["request_id"] != id {
					t.Errorf("%q: logged with %v", hostile, record["request_id"])
				}
			}
		})
	}
}

func TestAFunctionOfEventsHearsThatItIsDrained(t *testing.T) {
	c := startChild(t, "event", "LISTEN_ADDRESS=127.0.0.1:0")
	base := "http://" + c.address()
	answered := make(chan int, 1)
	go func() {
		answered <- post(t, base, lastingEvent)
	}()
	c.record("handling")
	c.terminate()
	if status := <-answered; status != http.StatusAccepted {
		t.Errorf("the event that lasts was answered with %d", status)
	}
	if code := c.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// post is for other goroutines than the test's: 0 is no answer.
func post(t *testing.T, address, body string) int {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	request.Header.Set("Content-Type", "application/cloudevents+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}
