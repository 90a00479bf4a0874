package function_test

import (
	"net/http"
	"strings"
	"testing"
)

const lastingEvent = `{"specversion":"1.0","type":"lasting","source":"/test","id":"1"}`

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
