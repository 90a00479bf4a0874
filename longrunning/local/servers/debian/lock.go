package debian

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

const lockInterval = 200 * time.Millisecond

// lock waits until no other process holds the file. The kernel gives the lock back when its holder dies, so
// a killed download blocks nobody.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the cache's lock: %w", err)
	}
	ticker := time.NewTicker(lockInterval)
	defer ticker.Stop()
	for {
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return func() { _ = file.Close() }, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("wait for another process that fills the cache: %w", ctx.Err())
		}
	}
}
