// Package process runs the foreign servers that irc.now starts itself (PostgreSQL, soju, ergo) as children
// that do not outlive it.
//
// It owns how a child is started, watched and ended. It knows nothing of any particular server.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Defaults of a Spec's zero fields.
const (
	defaultGrace = 10 * time.Second
	outputDelay  = 2 * time.Second // for grandchildren that keep the output open after the child is gone
)

// Spec says what to run. Name and Path are needed; the zero value of everything else works.
//
// Secrets do not belong in Args, which every user of the machine can read.
type Spec struct {
	Name string   // for logs and errors
	Path string   // of the program
	Args []string // without the program's name
	// Env is added to BasicEnv. Nothing else of our own environment reaches the child, since that may
	// hold secrets that are none of its business.
	Env []string
	Dir string // working directory; "/" when empty
	// User runs the child as somebody else, which only root may ask for.
	User *User
	// Files are open in the child as descriptors 3, 4, …
	Files []*os.File
	// Stdin is read whole by the child; nil means empty.
	Stdin string

	StopSignal  syscall.Signal // asks the child to end; SIGTERM when zero
	DeathSignal syscall.Signal // sent by Linux when we die; SIGKILL when zero
	Grace       time.Duration  // between StopSignal and SIGKILL; 10 s when zero

	Log   *slog.Logger // gets every line of output; nil means none
	Level slog.Level   // of those lines
}

// Process is a started child. Its methods may be called from any goroutine.
type Process struct {
	spec   Spec
	cmd    *exec.Cmd
	output *lines
	done   chan struct{}
	err    error // set before done is closed
}

// BasicEnv is the environment every child gets: where programs are, which language, which time zone.
func BasicEnv() []string {
	env := []string{"LC_ALL=C.UTF-8"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Start runs the program in a process group of its own, so that Ctrl-C in a terminal reaches only us and we end
// the child in order. On Linux the kernel sends DeathSignal to the child should we die without doing so.
func Start(spec Spec) (*Process, error) {
	p := &Process{spec: spec, done: make(chan struct{})}
	p.output = &lines{log: spec.Log, level: spec.Level, program: spec.Name, tail: &tail{}}
	p.cmd = command(spec, p.output)
	started := make(chan error)
	go p.keep(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return p, nil
}

// Run starts the program and waits until it ends by itself. It is stopped when ctx ends. The error of a program
// that failed holds the last lines it wrote.
func Run(ctx context.Context, spec Spec) error {
	p, err := Start(spec)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.Stop(context.WithoutCancel(ctx)))
	}
}

func command(spec Spec, out *lines) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), spec.Path, spec.Args...) // Stop ends it
	cmd.Env = append(BasicEnv(), spec.Env...)
	cmd.Dir = spec.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Stdin = strings.NewReader(spec.Stdin)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = spec.Files
	cmd.WaitDelay = outputDelay
	cmd.SysProcAttr = attributes(spec)
	return cmd
}

// keep owns the child from start to end. Linux sends the death signal when the *thread* that forked ends, and Go
// ends a thread when a goroutine locked to it returns; so one goroutine keeps one thread as long as the child lives.
func (p *Process) keep(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	err = p.cmd.Wait()
	p.output.flush()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		p.err = &ExitError{Name: p.spec.Name, Output: p.output.tail.lines(), Cause: err}
	}
	close(p.done)
}

// PID is the child's process id, and that of its process group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed once the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is nil while the child runs and after it ended with status 0; else an *ExitError.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Signal sends sig to the child alone, not to its group.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Stop asks the child to end, kills its whole process group when the grace period or ctx is over, and returns once
// it is gone. Stopping a child that has ended already is no error.
func (p *Process) Stop(ctx context.Context) error {
	stop, grace := p.spec.StopSignal, p.spec.Grace
	if stop == 0 {
		stop = syscall.SIGTERM
	}
	if grace == 0 {
		grace = defaultGrace
	}
	if err := p.Signal(stop); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.spec.Name, err)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if err := syscall.Kill(-p.PID(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", p.spec.Name, err)
	}
	<-p.done
	return nil
}
