package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"irc.now/longrunning/local"
	"irc.now/longrunning/local/servers"
	"irc.now/shared/outbound"
)

// lines is where a platform writes its progress; tests wait for a line.
type lines struct{ written chan string }

func newLines() *lines { return &lines{written: make(chan string, 1000)} }

func (l *lines) Write(p []byte) (int, error) {
	l.written <- string(p)
	return len(p), nil
}

func (l *lines) wait(t *testing.T, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		select {
		case line := <-l.written:
			if strings.Contains(line, want) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("no %q within a minute", want)
		}
	}
}

func start(t *testing.T, dir string) (*local.Platform, *lines) {
	t.Helper()
	cache, err := servers.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	progress := newLines()
	platform, err := local.Start(t.Context(), local.Config{
		Dir: dir, CacheDir: cache, Progress: progress, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := platform.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return platform, progress
}

func status(t *testing.T, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := outbound.Client(10 * time.Second).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// children are the process ids of our children, by the name of their program.
func children(t *testing.T) map[string]int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "pid=,comm=", "--ppid", strconv.Itoa(os.Getpid())).Output()
	if _, none := errors.AsType[*exec.ExitError](err); err != nil && !none {
		t.Fatal(err)
	}
	found := map[string]int{}
	for line := range strings.Lines(string(out)) {
		var pid int
		var name string
		if _, err := fmt.Sscan(line, &pid, &name); err == nil && name != "ps" {
			found[name] = pid
		}
	}
	return found
}

func TestThePlatformStartsServesAndLeavesNothingBehind(t *testing.T) {
	platform, _ := start(t, t.TempDir())
	urls := platform.URLs()
	for address, want := range map[string]string{
		urls.Landing: "irc", urls.Identity + "/sign-in": "Sign in", urls.Identity + "/.well-known/openid-configuration": urls.Identity,
		urls.Portal: "irc",
	} {
		if code, text := status(t, address); code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d", address, code)
		}
	}
	if running := children(t); running["soju"] == 0 || running["postgres"] == 0 || running["ergochat"]+running["ergo"] == 0 {
		t.Fatalf("children: %v", running)
	}
	var table bytes.Buffer
	platform.Describe(&table, "the.log")
	for _, want := range []string{urls.Landing, urls.Portal, urls.IRC, urls.DemoEmail, urls.DemoPassword, "the.log"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in the table", want)
		}
	}
	if err := platform.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := children(t); len(left) != 0 {
		t.Errorf("children left: %v", left)
	}
	for _, address := range []string{strings.TrimPrefix(urls.Landing, "http://"), urls.IRC, urls.Network} {
		_, port, _ := net.SplitHostPort(address)
		if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", "127.0.0.1:"+port); err == nil {
			_ = conn.Close()
			t.Errorf("%s is still open", address)
		}
	}
}

func TestAChildThatIsKilledComesBack(t *testing.T) {
	platform, progress := start(t, t.TempDir())
	for program, name := range map[string]string{"soju": "The bouncer (soju)", "postgres": "PostgreSQL"} {
		if err := syscall.Kill(children(t)[program], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		progress.wait(t, name+" is back")
	}
	if code, _ := status(t, platform.URLs().Identity+"/sign-in"); code != http.StatusOK {
		t.Errorf("sign-in page: %d", code)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", platform.URLs().IRC)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestDataAndSecretsAreThereAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	first, _ := start(t, dir)
	password := first.URLs().DemoPassword
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, _ := start(t, dir)
	if second.URLs().DemoPassword != password {
		t.Error("the demo password has changed")
	}
	third := local.Config{Dir: dir}
	if _, err := local.Start(t.Context(), third); err == nil || !strings.Contains(local.Explain(err, dir), "runs already") {
		t.Errorf("a second platform in the same folder: %v", err)
	}
}
