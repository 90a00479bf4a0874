package machine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// running notes are kept beside the logs, so that another call finds the process.
type note struct {
	PID   int    `json:"pid"`
	Began string `json:"began"` // in the kernel's ticks: another process with the same id began at another time
	Hash  string `json:"hash"`  // of what it was started with
}

func (m *Machine) noteFile(c component) string { return m.path("pids", c.name+".json") }

// LogFile is where a component's output is.
func (m *Machine) LogFile(name string) string { return m.path("logs", name+".log") }

// running reads a component's note and says whether that process is there.
func (m *Machine) running(c component) (note, bool) {
	content, err := os.ReadFile(m.noteFile(c))
	if err != nil {
		return note{}, false
	}
	var n note
	if err := json.Unmarshal(content, &n); err != nil {
		return note{}, false
	}
	began, alive := lookUp(n.PID)
	return n, alive && began == n.Began
}

// lookUp says when a process began, and whether it is there and not just waiting for its parent to notice its end.
func lookUp(pid int) (began string, alive bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The name is in parentheses and may hold anything; after it, state is the first field and the start the 20th.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return "", false
	}
	return fields[19], fields[0] != "Z" && fields[0] != "X"
}

// hash is of all that decides how a component runs.
func (m *Machine) hash(c component) (string, error) {
	sum := sha256.New()
	program := m.program(c.module, c.name)
	info, err := os.Stat(program)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is missing: run `go run ./tests/cluster/build/cmd %s`", program, c.module)
	}
	if err != nil {
		return "", err
	}
	fmt.Fprintln(sum, program, info.Size(), info.ModTime().UnixNano(), c.args, c.env, c.clusterNames)
	for _, file := range c.files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, file, len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// start starts a component in a session of its own and waits until it answers.
func (m *Machine) start(ctx context.Context, c component, hash string) error {
	log, err := m.openLog(c)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := m.command(c)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { // nobody else notices its end as long as we live
		_ = cmd.Wait()
		close(ended)
	}()
	began, _ := lookUp(cmd.Process.Pid)
	content, err := json.Marshal(note{PID: cmd.Process.Pid, Began: began, Hash: hash})
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.noteFile(c), content, 0o644); err != nil {
		return err
	}
	return m.await(ctx, c, ended)
}

func (m *Machine) await(ctx context.Context, c component, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- wait(ctx, c.ready) }()
	select {
	case err := <-ready:
		if err != nil {
			return fmt.Errorf("%s does not answer: %w; its last words:\n%s", c.name, err, m.tail(c.name, 15))
		}
		return nil
	case <-ended:
		cancel()
		return fmt.Errorf("%s ended; its last words:\n%s", c.name, m.tail(c.name, 15))
	}
}

// command runs a component with nothing of the caller's environment but what every program needs.
func (m *Machine) command(c component) *exec.Cmd {
	program := m.program(c.module, c.name)
	// It has to outlive the caller, and so the caller's context.
	cmd := exec.CommandContext(context.Background(), program, c.args...)
	if c.clusterNames {
		const script = `mount --bind "$1" /etc/resolv.conf && shift && exec "$@"`
		args := append([]string{"-c", script, c.name, m.path("resolv.conf"), program}, c.args...)
		cmd = exec.CommandContext(context.Background(), "/bin/sh", args...)
	}
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=" + systemPath, "HOME=/root", "LC_ALL=C.UTF-8"}, c.env...)
	cmd.SysProcAttr = detached(c.clusterNames)
	return cmd
}

// maxLog is what a log may have grown to when its component starts again; then it is moved aside.
const maxLog = 32 << 20

func (m *Machine) openLog(c component) (*os.File, error) {
	path := m.LogFile(c.name)
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

// stop ends a component, in order if it has a grace period, and forgets it. One that does not run is no error.
func (m *Machine) stop(ctx context.Context, c component) error {
	n, ok := m.running(c)
	if ok {
		if err := end(ctx, n.PID, c.grace, func() bool { _, alive := m.running(c); return alive }); err != nil {
			return fmt.Errorf("stop %s: %w", c.name, err)
		}
	}
	if err := os.Remove(m.noteFile(c)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// end asks a process to end and kills it when it has not done so in time; it returns once it is gone.
func end(ctx context.Context, pid int, grace time.Duration, alive func() bool) error {
	gone := func(context.Context) error {
		if alive() {
			return errors.New("process " + strconv.Itoa(pid) + " is still there")
		}
		return nil
	}
	if grace > 0 {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		patient, cancel := context.WithTimeout(ctx, grace)
		defer cancel()
		if wait(patient, gone) == nil {
			return nil
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	dying, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return wait(dying, gone)
}

func (m *Machine) tail(name string, lines int) string {
	content, err := os.ReadFile(m.LogFile(name))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// LogFiles are all components' logs that exist.
func (m *Machine) LogFiles() ([]string, error) { return filepath.Glob(m.path("logs", "*.log")) }
