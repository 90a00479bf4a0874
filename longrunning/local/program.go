package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"irc.now/shared/background"
	"irc.now/shared/program"
)

// Program is the platform as a program of its own: it tells its owner on standard output what happens, and logs to a file
// in the data folder.
func Program() program.Program {
	return program.Program{
		Name: "local", Run: run, StopTime: stopPatience, Signals: []os.Signal{syscall.SIGHUP},
		OpenLog: openLog, Explain: error.Error, // each is a sentence for the owner
	}
}

// run starts the platform and waits until ctx ends. When the program is ended at once, the kernel ends its children.
func run(ctx context.Context, p *program.Process) error {
	c, err := FromEnvironment(p.Env)
	if err != nil {
		return err
	}
	repeats := newRepeats(p.Log.Handler())
	c.Log, c.Progress = slog.New(repeats), os.Stdout
	var counting background.Group
	counting.Go(func(ctx, _ context.Context) { background.Every(ctx, repeatInterval, repeats.tell) })
	defer func() {
		_ = counting.Stop(ctx) // it has nothing under way
		repeats.tell(ctx)
	}()
	fmt.Println("Starting irc.now. Ctrl-C stops it.")
	platform, err := Start(ctx, c)
	if err != nil && ctx.Err() != nil {
		fmt.Println("Stopped before everything was up.")
		return nil
	}
	if err != nil {
		p.Log.ErrorContext(ctx, "start failed", slog.Any("error", err))
		return fmt.Errorf("%s\nMore is in the log: %s", Explain(err, c.Dir), logPath(c.Dir))
	}
	platform.Describe(os.Stdout, logPath(c.Dir))
	p.Report(program.Up{})
	<-ctx.Done()
	fmt.Println("\nStopping…")
	stopping, cancel := p.Stopping(ctx)
	defer cancel()
	if err := platform.Stop(stopping); err != nil {
		return errors.New("Not everything stopped in order; your data is safe. (" + err.Error() + ")")
	}
	fmt.Printf("Stopped. Your data is in %s.\n", c.Dir)
	return nil
}

func logPath(dir string) string { return filepath.Join(dir, "irc.now.log") }

// openLog opens the log in the data folder that env names. Its error is a sentence for the owner.
func openLog(env map[string]string) (io.WriteCloser, error) {
	c, err := FromEnvironment(env)
	if err != nil {
		return nil, err
	}
	file, err := openRotating(logPath(c.Dir))
	if err != nil {
		return nil, errors.New(Explain(err, c.Dir))
	}
	return file, nil
}
