package broker_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/telemetry"
)

func TestTheRequestsIDReachesTheSubscriber(t *testing.T) {
	s, url := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", ours+quick)), map[string]config.URL{"all": url})
	e, err := event.New(event.SourceAccounts, upgrade)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sink.Send(telemetry.WithRequestID(t.Context(), "request-1"), e); err != nil {
		t.Fatal(err)
	}
	s.next(t)
	if got := (<-s.header).Get(telemetry.RequestIDHeader); got != "request-1" {
		t.Errorf("got %q", got)
	}
}

func TestHostileInputIsRefused(t *testing.T) {
	s, url := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", quick)), map[string]config.URL{"all": url})
	valid := `{"specversion":"1.0","id":"1","source":"/x","type":"t","datacontenttype":"application/json","data":%s}`
	for name, c := range map[string]struct {
		contentType, body string
		header            [2]string
		want              int
	}{
		"no event":          {"application/json", `{}`, [2]string{}, 400},
		"no id":             {"application/cloudevents+json", `{"specversion":"1.0","source":"/x","type":"t"}`, [2]string{}, 400},
		"broken JSON":       {"application/cloudevents+json", `{"specversion"`, [2]string{}, 400},
		"control character": {"application/cloudevents+json", strings.Replace(fmt.Sprintf(valid, `1`), `"id":"1"`, `"id":"1\u0000"`, 1), [2]string{}, 400},
		"line break":        {"application/cloudevents+json", strings.Replace(fmt.Sprintf(valid, `1`), `"type":"t"`, `"type":"t","x":"a\r\nb"`, 1), [2]string{}, 400},
		"a batch":           {"application/cloudevents-batch+json", `[]`, [2]string{}, 400},
		"too big":           {"application/cloudevents+json", fmt.Sprintf(valid, `"`+strings.Repeat("x", 10<<20)+`"`), [2]string{}, 413},
		"another site":      {"application/cloudevents+json", fmt.Sprintf(valid, `1`), [2]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another origin":    {"application/cloudevents+json", fmt.Sprintf(valid, `1`), [2]string{"Origin", "http://evil.example"}, 403},
		"NUL in its data":   {"application/cloudevents+json", fmt.Sprintf(valid, `"\u0000"`), [2]string{}, 202},
		"as good as it is":  {"application/cloudevents+json", fmt.Sprintf(valid, `1`), [2]string{}, 202},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.address.Join("/"), strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", c.contentType)
		if c.header[0] != "" {
			request.Header.Set(c.header[0], c.header[1])
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(name, err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, c.want)
		}
	}
	s.next(t)
	s.next(t)
}

func TestDataThatIsNotUTF8SurvivesTheBroker(t *testing.T) {
	s, url := newSubscriber(t)
	w := newBroker(t, manifests(triggerYAML("all", quick)), map[string]config.URL{"all": url})
	e, err := event.New(event.SourceAccounts, upgrade)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte{0, 0xff, 0xfe, 1}
	if err := e.SetData("application/octet-stream", raw); err != nil {
		t.Fatal(err)
	}
	if err := w.sink.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := s.next(t); string(got.Data()) != string(raw) {
		t.Errorf("got %x", got.Data())
	}
}
