package storetest

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// cleaner waits for the end of its input, then removes a directory. The server may still be ending and writing, so
// it tries again until nothing is left.
const cleaner = `cat >/dev/null; n=0; until rm -rf -- "$1" 2>/dev/null || [ $n -gt 100 ]; do n=$((n+1)); sleep 0.1; done`

// inputs keeps the cleaners' inputs open as long as we live: the garbage collector would close them.
var inputs []io.Closer

// removeAfterUs removes dir once this process has ended. A test process has no hook for its end, and none at all
// when it is killed or times out; but the kernel closes its pipes in every case, which another process notices.
func removeAfterUs(dir string) error {
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", cleaner, "cleaner", dir) // it has to outlive us
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}                                      // Ctrl-C is not for it
	input, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("clean up after tests: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("clean up after tests: %w", err)
	}
	inputs = append(inputs, input)
	return nil
}
