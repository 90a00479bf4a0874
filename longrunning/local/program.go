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
	c.Log, c.Progress = p.Log, os.Stdout
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

// maxLog is the size at which the next start begins a new log, and keeps the old one beside it.
const maxLog = 8 << 20

func logPath(dir string) string { return filepath.Join(dir, "irc.now.log") }

// openLog opens the log in the data folder that env names. Its error is a sentence for the owner.
func openLog(env map[string]string) (io.WriteCloser, error) {
	c, err := FromEnvironment(env)
	if err != nil {
		return nil, err
	}
	file, err := openLogIn(c.Dir)
	if err != nil {
		return nil, errors.New(Explain(err, c.Dir))
	}
	return file, nil
}

func openLogIn(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := logPath(dir)
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("put the old log aside: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // the folder is the owner's choice
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return file, nil
}
