package soju_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/longrunning/local/servers/soju"
	"irc.now/shared/bouncer/adminsocket"
	"irc.now/tests/eventually"
)

// building bounds a build with nothing in the caches.
const building = 10 * time.Minute

// module is the soju that tests/tools/soju pins.
const module = "git.sr.ht/~emersion/soju"

func run(ctx context.Context, t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = folder
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	var faults strings.Builder
	c.Stderr = &faults
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, faults.String())
	}
	return strings.TrimSpace(string(out))
}

// patched builds soju with our patches, as the Dockerfile does.
func patched(t *testing.T) soju.Program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), building)
	defer cancel()
	source, patch, version := os.Getenv("SOJU_SOURCE"), "v0.11.patch", ""
	if source == "" {
		run(ctx, t, "../../tests/tools/soju", "go", "mod", "download", module)
		source, patch, version = run(ctx, t, "../../tests/tools/soju", "go", "list", "-m", "-f", "{{.Dir}}", module), "v0.8.patch", "0.8.0"
	}
	folder := filepath.Join(t.TempDir(), "soju")
	if err := os.CopyFS(folder, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	run(ctx, t, folder, "chmod", "-R", "u+w", ".") // the module cache's files are not
	if err := os.Mkdir(filepath.Join(folder, "guard"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"guard.go", "queue.go"} {
		text, err := os.ReadFile(filepath.Join("guard", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "guard", name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path, err := filepath.Abs(filepath.Join("patches", patch))
	if err != nil {
		t.Fatal(err)
	}
	run(ctx, t, folder, "git", "apply", path)
	run(ctx, t, folder, "go", "build", "-tags", "nosqlite", "-o", "patched", "./cmd/soju")
	return soju.Program{Path: filepath.Join(folder, "patched"), Version: version}
}

func TestSojuWithOurPatchesHoldsAgainstANetwork(t *testing.T) {
	program := patched(t)
	t.Run("a line without end is not kept", func(t *testing.T) { testEndlessLine(t, program) })
	t.Run("who joins a user to 300 channels blocks nobody", func(t *testing.T) { testForcedJoins(t, program) })
	t.Run("a network of ours is fast", func(t *testing.T) { testOwnNetwork(t, program) })
}

// world is a soju with the user ada, who is on a network that the test plays.
type world struct {
	t    *testing.T
	soju serverstest.SojuServer
	door net.Listener
}

func newWorld(t *testing.T, program soju.Program) *world {
	t.Helper()
	door, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = door.Close() })
	w := &world{t, serverstest.SojuOf(t, program, nil), door}
	w.command("user", "create", "-username", "ada", "-password", "ada")
	w.command("user", "run", "ada", "network", "create", "-name", "lab", "-addr", "irc+insecure://"+door.Addr().String())
	return w
}

// command is one of soju's that has to be answered soon, whatever the network does.
func (w *world) command(words ...string) []string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	lines, err := adminsocket.Command(ctx, w.soju.AdminSocket(), words...)
	if err != nil {
		w.t.Fatalf("%v: %v", words, err)
	}
	return lines
}

// welcome is the network's side of a connection of ada's, after it has let her in.
func (w *world) welcome() (net.Conn, *bufio.Scanner) {
	w.t.Helper()
	conn, err := w.door.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	heard := bufio.NewScanner(conn)
	for heard.Scan() {
		switch line := heard.Text(); {
		case strings.HasPrefix(line, "CAP LS"):
			_, _ = io.WriteString(conn, ":lab CAP * LS :\r\n")
		case line == "CAP END", strings.HasPrefix(line, "USER"):
			_, _ = io.WriteString(conn, ":lab 001 ada :Welcome\r\n:lab 005 ada CHANTYPES=# :are supported\r\n:lab 422 ada :no motd\r\n")
			return conn, heard
		}
	}
	w.t.Fatal(heard.Err())
	return nil, nil
}

// await waits for a line, and returns how many came before it.
func await(t *testing.T, heard *bufio.Scanner, line string) int {
	t.Helper()
	for before := 0; heard.Scan(); before++ {
		if heard.Text() == line {
			return before
		}
	}
	t.Fatalf("%q did not come: %v", line, heard.Err())
	return 0
}

// resident is how many bytes of memory soju has.
func (w *world) resident() int {
	w.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.soju.PID()))
	if err != nil {
		w.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return kilobytes << 10
}

func testEndlessLine(t *testing.T, program soju.Program) {
	w := newWorld(t, program)
	before := w.resident()
	network, _ := w.welcome()
	sent, block := 0, bytes.Repeat([]byte("a"), 1<<20)
	for range 100 {
		n, err := network.Write(block)
		sent += n
		if err != nil {
			break
		}
	}
	if after := w.resident(); sent > 20<<20 || after > before+16<<20 {
		t.Errorf("soju took %d MB of one line, and grew from %d to %d MB", sent>>20, before>>20, after>>20)
	}
}

func testForcedJoins(t *testing.T, program soju.Program) {
	w := newWorld(t, program)
	network, heard := w.welcome()
	for i := range 300 {
		if _, err := fmt.Fprintf(network, ":ada!a@lab JOIN #c%d\r\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(network, "PING :now\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = network.SetReadDeadline(time.Now().Add(30 * time.Second))
	t.Logf("PONG came after %d other messages", await(t, heard, "PONG now"))
	client := serverstest.SignIn(t, w.soju.Address, "ada", "ada/lab", "ada")
	client.Send("PRIVMSG #c1 :hello there")
	if asked := await(t, heard, "PRIVMSG #c1 :hello there"); asked > 3 {
		t.Errorf("what ada said waited for %d questions about modes", asked)
	}
	began := time.Now()
	w.command("user", "run", "ada", "network", "status")
	w.command("user", "run", "ada", "network", "delete", "lab")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("to remove the network took %s", took)
	}
	began = time.Now()
	if err := w.soju.Stop(t.Context()); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("to stop took %s: %v", time.Since(began), err)
	}
}

func testOwnNetwork(t *testing.T, program soju.Program) {
	program.Env = append(program.Env, "SOJU_OWN_NETWORKS=127.0.0.1")
	w := newWorld(t, program)
	network, heard := w.welcome()
	client := serverstest.SignIn(t, w.soju.Address, "ada", "ada/lab", "ada")
	began := time.Now()
	for i := range 40 {
		client.Send(fmt.Sprintf("PRIVMSG bob :line %d", i))
	}
	_ = network.SetReadDeadline(time.Now().Add(20 * time.Second))
	await(t, heard, "PRIVMSG bob :line 39")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("forty lines took %s", took)
	}
	_ = network.Close()
	gone := time.Now()
	w.welcome()
	t.Logf("connected again %s after the network went away", time.Since(gone).Round(100*time.Millisecond))
	eventually.Within(t, 5*time.Second, func(context.Context) error {
		status := strings.Join(w.command("user", "run", "ada", "network", "status"), " ")
		return eventually.True(strings.Contains(status, "connected"), "soju says %s", status)
	})
}
