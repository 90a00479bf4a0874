package function_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"irc.now/shared/config"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
)

// The test binary is its own child: with this variable it is a real program that calls function.Main, so that
// hosts, signals and exit codes are those of a function in production.
const childVariable = "FUNCTION_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "event":
		cloudevent.Main("child", &eventChild{drained: make(chan struct{})})
	default:
		function.Main("child", &httpChild{})
	}
}

// httpChild starts when its standard input ends, so that a test decides when that is.
type httpChild struct{}

func (c *httpChild) Start(_ context.Context, env map[string]string) error {
	var settings struct {
		First  string `env:"FIRST,required,notEmpty"`
		Second int    `env:"SECOND,required"`
	}
	if err := config.Load(env, &settings); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func (c *httpChild) Handle(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/panic":
		panic("a secret reason")
	case "/hold": // answers at once, and ends when its request body does
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex() // HTTP/2 always is
		_ = control.Flush()
		_, _ = io.Copy(w, r.Body)
	case "/binary":
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Cookie")
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write([]byte{0x89, 'P', 'N', 'G', 0xff})
	case "/cut":
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	default:
		describe(w, r)
	}
}

// seen is a request as the function saw it.
type seen struct {
	Method, Path, Query, Host, Proto, Remote, Body string
	Header                                         http.Header
	Cookies                                        []string
	Deadline                                       bool
}

func describe(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, deadline := r.Context().Deadline()
	s := seen{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Host: r.Host, Proto: r.Proto,
		Remote: r.RemoteAddr, Body: string(body), Header: r.Header, Deadline: deadline,
	}
	for _, cookie := range r.Cookies() {
		s.Cookies = append(s.Cookies, cookie.Name+"="+cookie.Value)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s)
}

// eventChild handles an event of type "lasting" until it is drained.
type eventChild struct {
	log     *slog.Logger
	drain   sync.Once
	drained chan struct{}
}

func (c *eventChild) Instrument(with function.Instruments) { c.log = with.Log }

func (c *eventChild) Drain() { c.drain.Do(func() { close(c.drained) }) }

func (c *eventChild) Handle(ctx context.Context, e event.Event) (*event.Event, error) {
	c.log.InfoContext(ctx, "handling", "event", e.ID())
	if e.Type() == "lasting" {
		<-c.drained
	}
	return nil, nil
}

// child is a running program under test.
type child struct {
	t       *testing.T
	command *exec.Cmd
	stdin   io.Closer
	lines   chan string // standard error, closed at its end
	seen    []string
}

// startChild runs the program; it is killed when the test ends, if it still runs.
func startChild(t *testing.T, mode string, env ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(env, childVariable+"="+mode)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, command: command, stdin: stdin, lines: make(chan string, 1000)}
	go func() {
		defer close(c.lines)
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			c.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		c.exit()
		if t.Failed() {
			t.Logf("the program wrote:\n%s", strings.Join(c.seen, "\n"))
		}
	})
	return c
}

// record waits for a log record with message and returns it.
func (c *child) record(message string) map[string]any {
	c.t.Helper()
	for line := range c.lines {
		c.seen = append(c.seen, line)
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == message {
			return record
		}
	}
	c.t.Fatalf("no record %q; the program wrote:\n%s", message, strings.Join(c.seen, "\n"))
	return nil
}

// address waits until the program listens.
func (c *child) address() string {
	c.t.Helper()
	address, _ := c.record("listening")["address"].(string)
	return address
}

// letStart ends the wait in Start.
func (c *child) letStart() { _ = c.stdin.Close() }

func (c *child) terminate() {
	c.t.Helper()
	if err := c.command.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
}

// exit waits for the end and returns the code; everything written is in seen then.
func (c *child) exit() int {
	for line := range c.lines {
		c.seen = append(c.seen, line)
	}
	err := c.command.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return 0
}

func (c *child) wrote() string { return strings.Join(c.seen, "\n") }
