package program_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"irc.now/shared/program"
)

// The test binary is its own child: with this variable it is a real program, whose signals and exit codes are those of
// one in production.
const childVariable = "PROGRAM_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "serving":
		program.Main(program.Program{Name: "child", Version: "1.2.3", Run: serving})
	case "failing":
		program.Main(program.Program{Name: "child", Run: failing})
	case "staying":
		program.Main(program.Program{Name: "child", Run: staying, StopTime: 10 * time.Millisecond})
	case "reluctant":
		program.Main(program.Program{Name: "child", Run: staying})
	case "elsewhere":
		program.Main(program.Program{
			Name: "child", Run: failing, OpenLog: openLog, Signals: []os.Signal{syscall.SIGHUP},
			Explain: func(err error) string { return "This is why: " + err.Error() },
		})
	}
}

func serving(ctx context.Context, p *program.Process) error {
	p.Log.DebugContext(ctx, "a detail")
	return p.Serve(ctx, "127.0.0.1:0", "nothing chooses where", http.NotFoundHandler())
}

func failing(context.Context, *program.Process) error { return errors.New("it went wrong") }

// staying does not stop when it is told to.
func staying(ctx context.Context, p *program.Process) error {
	p.Log.InfoContext(ctx, "staying")
	select {}
}

func openLog(env map[string]string) (io.WriteCloser, error) { return os.Create(env["LOG_FILE"]) }

// child is a running program under test.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner // of standard error
	wrote strings.Builder
}

// start runs a program; it is killed when the test ends, if it still runs.
func start(t *testing.T, mode string, env ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(env, childVariable+"="+mode)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{t: t, cmd: cmd, lines: bufio.NewScanner(stderr)}
}

// record waits for a log record.
func (c *child) record(message string) map[string]any {
	c.t.Helper()
	for c.next() {
		var record map[string]any
		if json.Unmarshal(c.lines.Bytes(), &record) == nil && record["msg"] == message {
			return record
		}
	}
	c.t.Fatalf("no record %q; it wrote:\n%s", message, c.wrote.String())
	return nil
}

func (c *child) next() bool {
	if !c.lines.Scan() {
		return false
	}
	c.wrote.WriteString(c.lines.Text() + "\n")
	return true
}

// address is where the record of that message says that it listens.
func (c *child) address(message string) string {
	c.t.Helper()
	address, _ := c.record(message)["address"].(string)
	return "http://" + address
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the program's end and says how it was; all that it wrote is in wrote then.
func (c *child) end() *os.ProcessState {
	for c.next() {
	}
	_ = c.cmd.Wait()
	return c.cmd.ProcessState
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestAProgramSaysWhichBuildItIs(t *testing.T) {
	c := start(t, "serving")
	record := c.record("starting")
	if record["version"] != "1.2.3" || record["go"] != runtime.Version() || record["revision"] == "" || record["program"] != "child" {
		t.Errorf("it starts with %v", record)
	}
	_, metrics := get(t, c.address("listening")+"/metrics")
	if !strings.Contains(metrics, `irc_now_build_info{go="`+runtime.Version()+`",program="child",`) ||
		!strings.Contains(metrics, `version="1.2.3"} 1`) {
		t.Errorf("the metrics do not tell the build:\n%s", metrics)
	}
}

func TestProfilesAreOnTheInternalAddressAlone(t *testing.T) {
	profiles := []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap", "/debug/pprof/symbol", "/debug/pprof/goroutine"}
	c := start(t, "serving", "METRICS_ADDRESS=127.0.0.1:0")
	internal := c.address("metrics and profiles")
	public := c.address("listening")
	alone := start(t, "serving").address("listening") // without an internal address there are none
	for _, path := range profiles {
		if code, _ := get(t, internal+path); code != http.StatusOK {
			t.Errorf("%s within: %d", path, code)
		}
		for _, base := range []string{public, alone} {
			if code, body := get(t, base+path); code != http.StatusNotFound {
				t.Errorf("%s is public: %d %s", path, code, body)
			}
		}
	}
}

func TestMetricsAreWithinWhereThereIsSuchAnAddress(t *testing.T) {
	c := start(t, "serving", "METRICS_ADDRESS=127.0.0.1:0")
	internal := c.address("metrics and profiles")
	public := c.address("listening")
	for address, want := range map[string]int{
		internal + "/metrics": 200, internal + "/health/liveness": 200, internal + "/health/readiness": 200,
		public + "/metrics": 404, public + "/health/liveness": 200, public + "/health/readiness": 200,
	} {
		if code, _ := get(t, address); code != want {
			t.Errorf("%s: %d, want %d", address, code, want)
		}
	}
}

func TestAnAddressThatIsTakenIsSaid(t *testing.T) {
	taken := strings.TrimPrefix(start(t, "serving").address("listening"), "http://")
	c := start(t, "serving", "METRICS_ADDRESS="+taken)
	if code := c.end().ExitCode(); code != 1 || !strings.Contains(c.wrote.String(), "child: cannot listen on "+taken+" (METRICS_ADDRESS") {
		t.Errorf("exit code %d after:\n%s", code, c.wrote.String())
	}
}

func TestTheLogsLevelIsObeyed(t *testing.T) {
	start(t, "serving", "LOG_LEVEL=debug").record("a detail")
	c := start(t, "failing", "LOG_LEVEL=warn")
	if c.end(); strings.Contains(c.wrote.String(), "msg") {
		t.Errorf("at level warn it logs %s", c.wrote.String())
	}
}

func TestWhoIsToldToStopStops(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		c := start(t, "serving")
		c.record("listening")
		c.signal(s)
		if code := c.end().ExitCode(); code != 0 || !strings.Contains(c.wrote.String(), "stopping") {
			t.Errorf("%s: exit code %d after:\n%s", s, code, c.wrote.String())
		}
	}
}

func TestWhoDoesNotStopIsEnded(t *testing.T) {
	c := start(t, "staying")
	c.record("staying")
	c.signal(syscall.SIGTERM)
	if code := c.end().ExitCode(); code != 1 || !strings.Contains(c.wrote.String(), "child: it was told to stop and has not within 10ms") {
		t.Errorf("exit code %d after:\n%s", code, c.wrote.String())
	}
}

func TestASecondInterruptEndsAtOnce(t *testing.T) {
	c := start(t, "reluctant")
	c.record("staying")
	c.signal(os.Interrupt)
	c.record("stopping")
	c.signal(os.Interrupt)
	status, ok := c.end().Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v", c.cmd.ProcessState)
	}
}

func TestAFailureIsASentence(t *testing.T) {
	c := start(t, "failing", "LOG_LEVEL=error")
	if code := c.end().ExitCode(); code != 1 || c.wrote.String() != "child: it went wrong\n" {
		t.Errorf("exit code %d after %q", code, c.wrote.String())
	}
}

func TestTheLogMayGoElsewhereAndTheSentenceBeAnother(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	c := start(t, "elsewhere", "LOG_FILE="+file)
	if code := c.end().ExitCode(); code != 1 || c.wrote.String() != "This is why: it went wrong\n" {
		t.Errorf("exit code %d after %q", code, c.wrote.String())
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), `"msg":"starting"`) {
		t.Errorf("the log holds %q, %v", text, err)
	}
	nowhere := start(t, "elsewhere", "LOG_FILE="+filepath.Join(file, "below"))
	if code := nowhere.end().ExitCode(); code != 1 || !strings.HasPrefix(nowhere.wrote.String(), "This is why: open ") {
		t.Errorf("exit code %d after %q", code, nowhere.wrote.String())
	}
}
