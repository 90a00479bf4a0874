// Package platform starts the whole of irc.now for a package of tests, as `make run` does, on random ports and with
// data of its own.
package platform

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
	"irc.now/longrunning/local/servers"
)

// Tick is how often revoked sign-ins are looked for in tests. A minute is promised; ten seconds is what `make run`
// does.
const Tick = time.Second

// Run is TestMain's work: it starts the platform, gives it to use, runs the tests and stops it. The result is for
// os.Exit. When a test has failed, the end of the platform's log is shown.
func Run(m *testing.M, use func(*local.Platform)) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "irc.now-test-")
	if err != nil {
		return complain(err, dir)
	}
	defer os.RemoveAll(dir)
	config, closeLog, err := configIn(dir)
	if err != nil {
		return complain(err, dir)
	}
	defer closeLog()
	platform, err := local.Start(context.Background(), config)
	if err != nil {
		return complain(err, dir)
	}
	use(platform)
	code := m.Run()
	if err := platform.Stop(context.Background()); err != nil {
		return complain(err, dir)
	}
	if code != 0 {
		showLog(filepath.Join(dir, "log"))
	}
	return code
}

func complain(err error, dir string) int {
	fmt.Fprintln(os.Stderr, local.Explain(err, dir))
	return 1
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
		Dir: filepath.Join(dir, "data"), CacheDir: cache, Tick: Tick,
		Log: slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelInfo})), Progress: os.Stderr,
	}
	return config, func() { _ = file.Close() }, nil
}

// showLog prints the end of what the parts said.
func showLog(path string) {
	const most = 32 << 10
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	fmt.Fprintf(os.Stderr, "The platform's log:\n%s", text[max(0, len(text)-most):])
}
