package process_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/process"
	"irc.now/tests/eventually"
)

// helper makes this test binary play a part instead of running tests.
const helper = "PROCESS_TEST_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helper) {
	case "parent": // starts a child, says its pid, then hangs until killed
		p, err := process.Start(process.Spec{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}})
		if err != nil {
			os.Exit(3)
		}
		fmt.Println(p.PID())
		<-p.Done()
	case "":
		os.Exit(m.Run())
	}
}

// shell is a Spec that runs script.
func shell(script string) process.Spec {
	return process.Spec{Name: "script", Path: "/bin/sh", Args: []string{"-c", script}}
}

func start(t *testing.T, spec process.Spec) *process.Process {
	t.Helper()
	p, err := process.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop(context.Background()) })
	return p
}

func ended(t *testing.T, p *process.Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the child still runs")
	}
}

func TestAFailedProgramSaysItsLastWords(t *testing.T) {
	err := process.Run(t.Context(), shell("echo fine; echo 'no such database' >&2; exit 7"))
	exit, ok := errors.AsType[*process.ExitError](err)
	if !ok {
		t.Fatalf("err = %v, want an *ExitError", err)
	}
	if got := strings.Join(exit.Output, ","); got != "fine,no such database" {
		t.Errorf("Output = %q", got)
	}
	if code, ok := errors.AsType[*exec.ExitError](err); !ok || code.ExitCode() != 7 {
		t.Errorf("the exit status is lost: %v", err)
	}
}

func TestOnlyTheBasicEnvironmentReachesTheChild(t *testing.T) {
	t.Setenv("SOME_SECRET", "hunter2")
	spec := shell(`test -z "$SOME_SECRET" && test "$GIVEN" = yes && test -n "$PATH"`)
	spec.Env = []string{"GIVEN=yes"}
	if err := process.Run(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
}

func TestOutputIsLoggedLineByLine(t *testing.T) {
	var out syncBuffer
	spec := shell(`printf 'one\r\n\ntw'; printf 'o\n'; head -c 20000 /dev/zero | tr '\0' x; printf 'end'`)
	spec.Log = slog.New(slog.NewTextHandler(&out, nil))
	if err := process.Run(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	records := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(records) != 5 || !strings.Contains(records[0], "line=one") || !strings.Contains(records[1], "line=two") ||
		!strings.HasSuffix(records[4], "xend") {
		t.Fatalf("%d records: %.300s", len(records), out.String())
	}
}

func TestStopKillsAChildThatWillNotEnd(t *testing.T) {
	spec := shell(`trap '' TERM; echo ready; while :; do sleep 1; done`)
	spec.Grace = 50 * time.Millisecond
	ready := make(chan struct{}, 1)
	spec.Log = slog.New(slog.NewTextHandler(signalWriter(ready), nil))
	p := start(t, spec)
	<-ready
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended(t, p)
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("stopping again: %v", err)
	}
}

func TestStopUsesTheSignalAskedFor(t *testing.T) {
	ready := make(chan struct{}, 1)
	spec := shell(`trap 'exit 5' INT; echo ready; while :; do sleep 0.01; done`)
	spec.StopSignal = syscall.SIGINT
	spec.Log = slog.New(slog.NewTextHandler(signalWriter(ready), nil))
	p := start(t, spec)
	<-ready
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.Err()); !ok || exit.ExitCode() != 5 {
		t.Fatalf("Err = %v, want exit status 5", p.Err())
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := process.Run(ctx, shell("sleep 600")); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
}

func TestAChildDiesWhenItsParentIsKilled(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), helper+"=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("no pid in %q", line)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	waitGone(t, child)
}

// waitGone polls, since init and not we learn of a grandchild's end. A zombie that nobody reaps counts as gone.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	eventually.Within(t, 10*time.Second, func(context.Context) error {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return eventually.True(err != nil || bytes.Contains(stat, []byte(") Z ")), "process %d outlives its parent", pid)
	})
}

func TestRootRunsAChildAsSomebodyElseWithAnOpenFile(t *testing.T) {
	if !process.IsRoot() {
		t.Log("only root can change users; nothing to see as", os.Geteuid())
		return
	}
	nobody, err := process.LookupUser("no-such-user", "root", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.Chown(int(nobody.UID), int(nobody.GID)); err != nil {
		t.Fatal(err)
	}
	spec := shell(`test "$(id -u)" != 0 && test "$(id -G | wc -w)" = 1 && echo hi > /proc/self/fd/3/greeting`)
	spec.User, spec.Files = nobody, []*os.File{dir}
	if err := process.Run(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir.Name() + "/greeting"); err != nil {
		t.Error(err)
	}
}

func TestWaitReady(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := start(t, shell("sleep 600"))
	if err := p.WaitReady(t.Context(), process.Dial("tcp", listener.Addr().String())); err != nil {
		t.Errorf("a listening server: %v", err)
	}
	never := func(context.Context) error { return errors.New("not yet") }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := p.WaitReady(ctx, never); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not yet") {
		t.Errorf("a server that never listens: %v", err)
	}
	broken := start(t, shell("echo bad config; exit 1"))
	if err := broken.WaitReady(t.Context(), never); err == nil || !strings.Contains(err.Error(), "bad config") {
		t.Errorf("a server that ends: %v", err)
	}
}

func TestStartReportsAMissingProgram(t *testing.T) {
	if _, err := process.Start(process.Spec{Name: "soju", Path: "/no/such/soju"}); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("err = %v", err)
	}
}

// syncBuffer may be written by the child's output goroutine and read by the test.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// signalWriter tells once that something was written.
type signalWriter chan struct{}

func (s signalWriter) Write(p []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(p), nil
}
