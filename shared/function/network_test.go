package function_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

var settings = []string{"FIRST=1", "SECOND=2", "LISTEN_ADDRESS=127.0.0.1:0"}

// clients speak the two protocols the host must.
func clients() map[string]*http.Client {
	client := func(set func(*http.Protocols)) *http.Client {
		var protocols http.Protocols
		set(&protocols)
		return &http.Client{Transport: &http.Transport{Protocols: &protocols}, Timeout: 20 * time.Second}
	}
	return map[string]*http.Client{
		"HTTP/1.1": client(func(p *http.Protocols) { p.SetHTTP1(true) }),
		"HTTP/2.0": client(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }),
	}
}

type reply struct {
	*http.Response
	body string
	err  error // of reading the body
}

func do(t *testing.T, client *http.Client, method, address string, body io.Reader, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	return reply{response, string(read), err}
}

func TestNetworkHostSpeaksBothProtocols(t *testing.T) {
	c := startChild(t, "http", settings...)
	base := "http://" + c.address()
	c.letStart()
	for protocol, client := range clients() {
		got := do(t, client, http.MethodPost, base+"/a/b?c=d", strings.NewReader("hello"), "X-Request-Id", "id-1")
		var s seen
		if err := json.Unmarshal([]byte(got.body), &s); err != nil {
			t.Fatalf("%s: %v in %q", protocol, err, got.body)
		}
		if s.Proto != protocol || s.Path != "/a/b" || s.Query != "c=d" || s.Body != "hello" {
			t.Errorf("%s: the function saw %+v", protocol, s)
		}
		if id := got.Header.Get("X-Request-Id"); id != "id-1" {
			t.Errorf("%s: request id %q", protocol, id)
		}
	}
	record := c.record("request")
	if record["path"] != "/a/b" || record["status"] != float64(200) || record["request_id"] != "id-1" ||
		record["program"] != "child" || strings.Contains(c.wrote(), "c=d") {
		t.Errorf("access log: %v", record)
	}
	c.terminate()
	if code := c.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	c := startChild(t, "http", settings...)
	base := "http://" + c.address()
	for path, want := range map[string]int{"/health/liveness": 200, "/health/readiness": 503} {
		if got := do(t, http.DefaultClient, http.MethodGet, base+path, nil); got.StatusCode != want {
			t.Errorf("%s while starting: %d, want %d", path, got.StatusCode, want)
		}
	}
	c.letStart()
	c.record("started")
	for _, path := range []string{"/health/liveness", "/health/readiness"} {
		if got := do(t, http.DefaultClient, http.MethodGet, base+path, nil); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	do(t, http.DefaultClient, http.MethodGet, base+"/", nil)
	got := do(t, http.DefaultClient, http.MethodGet, base+"/metrics", nil)
	for _, want := range []string{`http_requests_total{code="200",method="GET",route="unmatched"} 1`, "go_goroutines"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestMetricsMayHaveAnAddressOfTheirOwn(t *testing.T) {
	c := startChild(t, "http", append(settings, "METRICS_ADDRESS=127.0.0.1:0")...)
	internalAddress, _ := c.record("metrics and profiles")["address"].(string)
	public, internal := "http://"+c.address(), "http://"+internalAddress
	c.letStart()
	c.record("started")
	if got := do(t, http.DefaultClient, http.MethodGet, public+"/metrics", nil); strings.Contains(got.body, "go_goroutines") {
		t.Error("the public port still shows metrics")
	}
	if got := do(t, http.DefaultClient, http.MethodGet, public+"/debug/pprof/cmdline", nil); !strings.Contains(got.body, `"Path":"/debug/pprof/cmdline"`) {
		t.Errorf("the function does not get what is asked for a profile: %s", got.body)
	}
	if got := do(t, http.DefaultClient, http.MethodGet, public+"/health/liveness", nil); got.body != "ALIVE\n" {
		t.Errorf("liveness on the public port: %q", got.body)
	}
	if got := do(t, http.DefaultClient, http.MethodGet, internal+"/metrics", nil); !strings.Contains(got.body, "go_goroutines") {
		t.Errorf("the port for metrics answers %d", got.StatusCode)
	}
}

func TestRequestsWaitForStart(t *testing.T) {
	c := startChild(t, "http", settings...)
	address := c.address()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /early HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	// The server has the request at the latest when it answers one that came after it.
	do(t, http.DefaultClient, http.MethodGet, "http://"+address+"/health/liveness", nil)
	c.letStart()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("a request during start got %d", response.StatusCode)
	}
}

func TestStopFinishesRunningRequests(t *testing.T) {
	for protocol, client := range clients() {
		t.Run(protocol, func(t *testing.T) {
			c := startChild(t, "http", settings...)
			address := c.address()
			c.letStart()
			body, writer := io.Pipe()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/hold", body)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request) // returns with the header: the request is running
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			c.terminate()
			c.record("stopping")
			if _, err := io.WriteString(writer, "to the end"); err != nil {
				t.Fatal(err)
			}
			_ = writer.Close()
			got, err := io.ReadAll(response.Body)
			if err != nil || string(got) != "to the end" {
				t.Errorf("the running request got %q, %v", got, err)
			}
			if code := c.exit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestStartFailureNamesWhatIsMissing(t *testing.T) {
	c := startChild(t, "http", "LISTEN_ADDRESS=127.0.0.1:0")
	if code := c.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"child: cannot start", "FIRST is not set", "SECOND is not set"} {
		if !strings.Contains(c.wrote(), want) {
			t.Errorf("%q is not in what was written", want)
		}
	}
}

func TestBusyAddressIsSaid(t *testing.T) {
	busy, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	c := startChild(t, "http", "LISTEN_ADDRESS="+busy.Addr().String())
	if code := c.exit(); code != 1 || !strings.Contains(c.wrote(), "child: cannot listen on "+busy.Addr().String()) {
		t.Errorf("exit code %d", code)
	}
}

func TestPortOfKnative(t *testing.T) {
	c := startChild(t, "http", "FIRST=1", "SECOND=2", "PORT=0")
	if _, port, err := net.SplitHostPort(c.address()); err != nil || port == "0" {
		t.Errorf("listening on %q, %v", port, err)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	c := startChild(t, "http", settings...)
	base := "http://" + c.address()
	c.letStart()
	got := do(t, http.DefaultClient, http.MethodGet, base+"/panic", nil, "X-Request-Id", "id-9")
	if got.StatusCode != http.StatusInternalServerError || !strings.Contains(got.body, "Request id: id-9") {
		t.Errorf("%d: %s", got.StatusCode, got.body)
	}
	if strings.Contains(got.body, "secret") || strings.Contains(got.body, "goroutine") {
		t.Errorf("the answer gives the reason away: %s", got.body)
	}
	record := c.record("request panicked")
	if stack, _ := record["stack"].(string); !strings.Contains(stack, "Handle") || record["request_id"] != "id-9" {
		t.Errorf("the log has %v", record)
	}
}

func TestAHalfAnswerIsNotTakenForAWhole(t *testing.T) {
	c := startChild(t, "http", settings...)
	base := "http://" + c.address()
	c.letStart()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/cut", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	if err == nil {
		t.Error("the client did not notice")
	}
	if record := c.record("request"); record["aborted"] != true {
		t.Errorf("access log: %v", record)
	}
}
