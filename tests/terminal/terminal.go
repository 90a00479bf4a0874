package terminal

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// patience is how long a program may take to show something on a busy machine.
	patience = 30 * time.Second
	// slow is how long a program may take to do anything about a key.
	slow = 5 * time.Second
	// still is how long the screen stands still when a program has nothing more to say.
	still = 100 * time.Millisecond
)

// Terminal is a program that runs in a terminal of its own. It belongs to one test goroutine.
type Terminal struct {
	t       testing.TB
	process *exec.Cmd
	side    *os.File // ours
	gone    chan struct{}
	changed chan struct{} // one is there when the screen has changed

	mu   sync.Mutex
	said []byte // everything that the program wrote, with what moves the cursor
}

// Start runs the program with arguments in a home, which stays. More is added to its environment. It is ended with the test.
func Start(t testing.TB, p Program, home string, args, more []string) *Terminal {
	t.Helper()
	ours, theirs, err := open()
	if err != nil {
		t.Fatalf("open a terminal: %v", err)
	}
	defer theirs.Close()
	command := append(append([]string{}, p.command...), args...)
	process := exec.CommandContext(t.Context(), command[0], command[1:]...)
	process.Dir, process.Env = home, append(p.environment(home), more...)
	process.Stdin, process.Stdout, process.Stderr = theirs, theirs, theirs
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	x := &Terminal{t: t, process: process, side: ours, gone: make(chan struct{}), changed: make(chan struct{}, 1)}
	go x.read()
	t.Cleanup(func() {
		x.Kill()
		if t.Failed() {
			t.Logf("the screen of %s:\n%s", args, x.Text())
		}
	})
	x.answered()
	return x
}

// questions are what programs ask a terminal before they begin, and what an ordinary one answers: which kind it is, and where
// the cursor is.
var questions = map[string]string{"\x1b[c": "\x1b[?62;22c", "\x1b[0c": "\x1b[?62;22c", "\x1b[6n": "\x1b[1;1R", "\x1b[5n": "\x1b[0n"}

func (x *Terminal) read() {
	defer close(x.gone)
	buffer := make([]byte, 32<<10)
	for {
		n, err := x.side.Read(buffer)
		if err != nil {
			_ = x.process.Wait() // the terminal is closed, so the program is gone or about to be
			return
		}
		text := string(buffer[:n])
		for question, answer := range questions {
			if strings.Contains(text, question) {
				_, _ = io.WriteString(x.side, answer)
			}
		}
		x.mu.Lock()
		x.said = append(x.said, text...)
		x.mu.Unlock()
		select {
		case x.changed <- struct{}{}:
		default:
		}
	}
}

// answered waits until the program has done something, which a busy machine may let it wait for, and the screen stands still.
func (x *Terminal) answered() {
	select {
	case <-x.changed:
	case <-x.gone:
	case <-time.After(slow): // some keys change nothing
	}
	x.settle()
}

// settle waits until the screen stands still.
func (x *Terminal) settle() {
	limit := time.After(patience)
	for {
		select {
		case <-x.changed:
		case <-time.After(still):
			return
		case <-x.gone:
			return
		case <-limit:
			return // a clock that ticks, for one
		}
	}
}

// Type types lines, one after the other, each with the return key, and waits for what each does to the screen.
func (x *Terminal) Type(lines ...string) {
	x.t.Helper()
	for _, line := range lines {
		x.Press(line + "\r")
	}
}

// Paste pastes text as terminals do: as it is, and in brackets where the program has asked for them.
func (x *Terminal) Paste(text string) {
	x.t.Helper()
	text = strings.ReplaceAll(text, "\n", "\r")
	if x.mark("\x1b[?2004h") > x.mark("\x1b[?2004l") {
		text = "\x1b[200~" + text + "\x1b[201~"
	}
	x.Press(text)
}

func (x *Terminal) mark(sequence string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.LastIndex(string(x.said), sequence)
}

// Press sends keys, and waits for what they do to the screen.
func (x *Terminal) Press(keys string) {
	x.t.Helper()
	x.settle()
	if _, err := io.WriteString(x.side, keys); err != nil {
		x.t.Fatalf("type: %v", err)
	}
	x.answered()
}

// control is what moves the cursor, changes colours or sets titles (ECMA-48).
var control = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|[\]P_^][^\x07\x1b]*(\x07|\x1b\\)|[ -/]*[0-~])|[\x00-\x09\x0b-\x1f]`)

// Text is what the program has written so far, in that order, without what moves the cursor.
func (x *Terminal) Text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return control.ReplaceAllString(string(x.said), "")
}

// Shows waits until the program has written text since it started.
func (x *Terminal) Shows(text string) {
	x.t.Helper()
	limit := time.After(patience)
	for !strings.Contains(x.Text(), text) {
		select {
		case <-x.changed:
		case <-x.gone:
			if strings.Contains(x.Text(), text) {
				return
			}
			x.t.Fatalf("the program ended without showing %q", text)
		case <-limit:
			x.t.Fatalf("%q is not shown", text)
		}
	}
}

// Exits waits until the program has ended by itself.
func (x *Terminal) Exits() {
	x.t.Helper()
	select {
	case <-x.gone:
	case <-time.After(patience):
		x.t.Fatal("the program does not end")
	}
}

// Kill ends the program.
func (x *Terminal) Kill() {
	_ = x.process.Process.Kill() // it may have ended
	<-x.gone
	_ = x.side.Close()
}

// String names the program for messages.
func (x *Terminal) String() string { return fmt.Sprint(x.process.Args) }
