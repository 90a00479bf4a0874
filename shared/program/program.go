// Package program is the life of a process that runs until it is told to stop: settings, log, what it tells of itself, an
// ordered stop, and how it ends.
//
// Every program of ours that stays is a [Program], and its main one call of [Main]:
//
//   - SIGINT and SIGTERM end the context that Run has; then Run has StopTime to leave in order. A second Ctrl-C ends the
//     program at once.
//   - LOG_LEVEL (debug, info, warn, error) and LOG_FORMAT (json, text) are read by all. The first record of the log says
//     which build this is, and so does the metric irc_now_build_info.
//   - METRICS_ADDRESS is an address for those who look after the program, and never for the public: /metrics,
//     /health/liveness, /health/readiness, and profiles below /debug/pprof/. Without one, health and metrics are answered
//     where the program serves, and there are no profiles.
//   - It ends with 0 after an ordered stop, else with 1 and a sentence on standard error.
//
// Package function puts functions on this, in all of their hosts. It must not know any program of ours.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/config"
	"irc.now/shared/telemetry"
)

const (
	// defaultStopTime is within the 30 s that clusters give.
	defaultStopTime = 25 * time.Second
	// grace is for what has to be put away when StopTime is over.
	grace = 2 * time.Second
)

// Program is what runs. Name and Run are needed; the zero value of everything else is right for most.
type Program struct {
	// Name is in each record of the log and in the build's metric.
	Name string
	// Run does the work. It returns nil when ctx has ended and everything is in order, and else the error that ends the
	// program.
	Run func(ctx context.Context, p *Process) error

	Version         string        // the linker's word; what the build knows of itself where empty
	StopTime        time.Duration // for leaving in order; 25 s where zero
	Signals         []os.Signal   // that tell it to stop, beside SIGINT and SIGTERM
	InternalAddress string        // where METRICS_ADDRESS says nothing
	Registry        Registry      // of libraries that have one with the process's metrics; an own one where nil

	// OpenLog says where the log goes; standard error where nil.
	OpenLog func(env map[string]string) (io.WriteCloser, error)
	// Explain makes a sentence of the error that ended the program; the name and the error where nil.
	Explain func(error) string
}

// Registry is where metrics are registered and gathered.
type Registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// Main runs g and ends the process.
func Main(g Program) { os.Exit(g.end(config.Environ(), os.Stderr)) }

// end is Main without its end: the exit code.
func (g *Program) end(env map[string]string, stderr io.Writer) int {
	err := g.live(env, stderr)
	switch {
	case err == nil:
		return 0
	case g.Explain != nil:
		_, _ = fmt.Fprintln(stderr, g.Explain(err))
	default:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", g.Name, err)
	}
	return 1
}

func (g *Program) live(env map[string]string, stderr io.Writer) error {
	ctx, release := signal.NotifyContext(context.Background(), slices.Concat(g.Signals, []os.Signal{os.Interrupt, syscall.SIGTERM})...)
	defer release()
	if g.OpenLog != nil {
		file, err := g.OpenLog(env)
		if err != nil {
			return err
		}
		defer file.Close()
		stderr = file
	}
	p := g.process(env, stderr)
	slog.SetDefault(p.Log) // for libraries that know no other
	p.Log.InfoContext(ctx, "starting", "version", p.Build.Version, "revision", p.Build.Revision, "go", p.Build.Go)
	if p.internalAddress != "" {
		internal, err := p.openInternal(ctx)
		if err != nil {
			return err
		}
		defer internal.Close() // last: what goes on while the program stops can be looked at
	}
	return p.run(ctx, release, g.Run)
}

func (g *Program) process(env map[string]string, log io.Writer) *Process {
	p := &Process{
		Env: env, Log: telemetry.NewLogger(log, g.Name, telemetry.Level(env["LOG_LEVEL"])), Build: buildOf(g.Version),
		stopTime: g.StopTime, internalAddress: env["METRICS_ADDRESS"],
	}
	if p.stopTime == 0 {
		p.stopTime = defaultStopTime
	}
	if p.internalAddress == "" {
		p.internalAddress = g.InternalAddress
	}
	p.registerMetrics(g.Name, g.Registry)
	return p
}

// run waits for the program's end, and no longer than it may take.
func (p *Process) run(ctx context.Context, release func(), run func(context.Context, *Process) error) error {
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, p) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	release() // a second Ctrl-C ends the program at once
	p.stopping.Store(true)
	p.Log.InfoContext(ctx, "stopping")
	late := time.NewTimer(p.stopTime + grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return fmt.Errorf("it was told to stop and has not within %s", p.stopTime)
	}
}

// errStop is the cause of a stop's deadline.
var errStop = errors.New("the time to stop in order is over")

// Stopping is the context for what Run does once its ctx has ended: it lasts as long as the program has to stop.
func (p *Process) Stopping(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(ctx), p.stopTime, errStop)
}
