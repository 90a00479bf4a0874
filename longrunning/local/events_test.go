package local

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyWhoKnowsThePathReachesTheBroker(t *testing.T) {
	handler := below("secret", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	for path, want := range map[string]string{
		"/secret": "/", "/secret/": "/", "/secret/dead-letters": "/dead-letters",
		"/": "", "/secretly": "", "/dead-letters": "", "/other/secret": "",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil))
		if reached := w.Code == http.StatusOK; reached != (want != "") || reached && w.Body.String() != want {
			t.Errorf("%s: status %d, %q", path, w.Code, w.Body)
		}
	}
}

func TestInternalPortsAnswerToTheirAddressOnly(t *testing.T) {
	p := &Platform{config: Config{Log: slog.New(slog.DiscardHandler)}, doors: map[string]net.Listener{}}
	t.Cleanup(func() {
		for _, stop := range p.onStop {
			_ = stop(context.WithoutCancel(t.Context()))
		}
	})
	if err := p.openDoors(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.answer(adminDoor, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	address := p.address(adminDoor)
	own := strings.TrimPrefix(address, "http://")
	// A page whose own name somebody points at loopback sends that name.
	for host, want := range map[string]int{own: http.StatusOK, "rebound.example": http.StatusMisdirectedRequest} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: status %d, want %d", host, response.StatusCode, want)
		}
	}
}
