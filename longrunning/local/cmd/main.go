// Command cmd runs the whole of irc.now on this machine until it is told to stop. `make run` builds and starts it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"irc.now/longrunning/local"
	"irc.now/shared/config"
	"irc.now/shared/telemetry"
)

func main() { os.Exit(run()) }

// run is main with an exit status: 0 after an ordered stop, 1 with a sentence on standard error.
func run() int {
	c, err := local.FromEnvironment(config.Environ())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	logFile, err := openLog(c.Dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, local.Explain(err, c.Dir))
		return 1
	}
	defer logFile.Close()
	c.Log = telemetry.NewLogger(logFile, "local", telemetry.Level(os.Getenv("LOG_LEVEL")))
	slog.SetDefault(c.Log) // for libraries that know no other
	c.Progress = os.Stdout

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return serve(ctx, stop, c, logFile.Name())
}

// serve starts the platform and waits until ctx ends. A second Ctrl-C ends the program at once, and the kernel its
// children.
func serve(ctx context.Context, stop func(), c local.Config, logName string) int {
	fmt.Println("Starting irc.now. Ctrl-C stops it.")
	platform, err := local.Start(ctx, c)
	if err != nil && ctx.Err() != nil {
		fmt.Println("Stopped before everything was up.")
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, local.Explain(err, c.Dir))
		fmt.Fprintf(os.Stderr, "More is in the log: %s\n", logName)
		c.Log.ErrorContext(ctx, "start failed", slog.Any("error", err))
		return 1
	}
	platform.Describe(os.Stdout, logName)
	<-ctx.Done()
	stop()
	fmt.Println("\nStopping…")
	if err := platform.Stop(context.WithoutCancel(ctx)); err != nil {
		fmt.Fprintf(os.Stderr, "Not everything stopped in order; your data is safe. (%v)\n", err)
		return 1
	}
	fmt.Printf("Stopped. Your data is in %s.\n", c.Dir)
	return 0
}

// maxLog is the size at which the next start begins a new log, and keeps the old one beside it.
const maxLog = 8 << 20

func openLog(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, "irc.now.log")
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
