package outbound_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"irc.now/shared/outbound"
	"irc.now/shared/telemetry"
)

func get(t *testing.T, client *http.Client, address, requestID string) (string, error) {
	t.Helper()
	ctx := t.Context()
	if requestID != "" {
		ctx = telemetry.WithRequestID(ctx, requestID)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func TestNamesBelowLocalhostAreThisMachine(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // must not be asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host)
	}))
	defer server.Close()
	port := portOf(t, server.URL)
	for _, host := range []string{"localhost", "my.irc.localhost", "AUTH.irc.LOCALHOST", "my.irc.localhost."} {
		got, err := get(t, outbound.Client(5*time.Second), "http://"+host+":"+port, "")
		if err != nil || !strings.HasPrefix(got, host) {
			t.Errorf("%s: got %q, %v", host, got, err)
		}
	}
}

func TestNamesBelowLocalhostAreFoundOnIPv6Too(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp6", "[::1]:0")
	if err != nil {
		if _, statErr := os.Stat("/proc/net/if_inet6"); statErr == nil {
			t.Fatal(err)
		}
		t.Logf("this machine has no IPv6: %v", err)
		return
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "six")
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	defer server.Close()
	got, err := get(t, outbound.Client(5*time.Second), "http://my.irc.localhost:"+portOf(t, server.URL), "")
	if err != nil || got != "six" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRequestIDIsForwarded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Request-Id"))
	}))
	defer server.Close()
	if got, err := get(t, outbound.Client(5*time.Second), server.URL, "abc"); err != nil || got != "abc" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := get(t, outbound.Client(5*time.Second), server.URL, ""); err != nil || got != "" {
		t.Errorf("an id from nowhere: %q, %v", got, err)
	}
}

func TestRedirects(t *testing.T) {
	var target string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/other":
			http.Redirect(w, r, target, http.StatusFound)
		default:
			_, _ = io.WriteString(w, "end")
		}
	}))
	defer server.Close()
	target = strings.Replace(server.URL, "http:", "https:", 1)
	client := outbound.Client(5 * time.Second)
	if got, err := get(t, client, server.URL+"/same", ""); err != nil || got != "end" {
		t.Errorf("a redirect within the scheme: %q, %v", got, err)
	}
	for _, path := range []string{"/loop", "/other"} {
		if got, err := get(t, client, server.URL+path, ""); err == nil {
			t.Errorf("%s was followed to %q", path, got)
		} else if !strings.Contains(err.Error(), "redirect refused") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestDeadlineCoversTheBody(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	_, err := get(t, outbound.Client(100*time.Millisecond), server.URL, "")
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
}

func TestAClientWithoutDeadlineIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a client without a deadline was made")
		}
	}()
	outbound.Client(0)
}
