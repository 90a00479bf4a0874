package local

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEachHostNameReachesItsSiteAndNoOtherNameDoes(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	handler, err := router([]site{{"", "the public site", named("landing")}, {"my", "your account", named("portal")}}, 8080, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"irc.localhost:8080": "landing", "my.irc.localhost:8080": "portal", "MY.irc.LOCALHOST:8080": "portal", "my.irc.localhost.:8080": "portal",
		"my.irc.localhost": "", "my.irc.localhost:8081": "", "localhost:8080": "", "127.0.0.1:8080": "", "evil.example:8080": "",
		"": "", "x.my.irc.localhost:8080": "", "[::1]:8080": "",
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Host = host
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		switch {
		case want != "" && answer.Body.String() != want:
			t.Errorf("%q got %q, want %q", host, answer.Body, want)
		case want == "" && (answer.Code != http.StatusMisdirectedRequest || !strings.Contains(answer.Body.String(), `href="http://my.irc.localhost:8080"`)):
			t.Errorf("%q got %d %s", host, answer.Code, answer.Body)
		}
	}
}
