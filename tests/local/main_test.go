// Package local_test is a user's story: it starts the platform as `make run` does, on random ports and with data of
// its own, and goes through the front doors only. Pages are visited as by a browser without JavaScript, the bouncer
// as by an IRC client; PostgreSQL, soju and ergo are the real programs.
package local_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"irc.now/longrunning/local"
	"irc.now/shared/servers"
)

// platform is shared by all tests: each has users of its own, as on the real one.
var platform *local.Platform

// tick is how often revoked sign-ins are looked for here. A minute is promised; ten seconds is what `make run` does.
const tick = time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "irc.now-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	config, closeLog, err := configIn(dir)
	if err != nil {
		return 1, err
	}
	defer closeLog()
	if platform, err = local.Start(context.Background(), config); err != nil {
		return 1, err
	}
	code = m.Run()
	if err := platform.Stop(context.Background()); err != nil {
		return 1, fmt.Errorf("stop the platform: %w", err)
	}
	if code != 0 {
		showLog(filepath.Join(dir, "log"))
	}
	return code, nil
}

// configIn is a platform whose data and log are in dir, and whose programs are the cached ones.
func configIn(dir string) (config local.Config, closeLog func(), err error) {
	cache, err := servers.CacheDir()
	if err != nil {
		return config, nil, err
	}
	file, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return config, nil, err
	}
	config = local.Config{
		Dir: filepath.Join(dir, "data"), CacheDir: cache, Tick: tick,
		Log: slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelInfo})), Progress: os.Stderr,
	}
	return config, func() { _ = file.Close() }, nil
}

// showLog prints what the parts said, its end at most, once a test has failed.
func showLog(path string) {
	const most = 64 << 10
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	fmt.Fprintf(os.Stderr, "The platform's log:\n%s", text[max(0, len(text)-most):])
}
