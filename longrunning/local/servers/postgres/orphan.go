package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"irc.now/shared/fault"
)

const (
	orphanGrace = 30 * time.Second
	orphanPoll  = 20 * time.Millisecond
)

// endOrphan ends a server that still runs on the data directory. We hold the lock, so whoever started it is gone.
func (c *cluster) endOrphan(ctx context.Context) error {
	file := filepath.Join(dataDir(c.config.Dir), "postmaster.pid")
	pid, err := readPID(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an old postgres: %w", err)
	}
	if !alive(pid) {
		return nil // the server itself clears up after a dead one
	}
	if !servesFrom(pid, dataDir(c.config.Dir)) {
		// The number belongs to another program by now, which would keep the server from starting.
		return os.Remove(file)
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end an old postgres: %w", err)
	}
	return waitGone(ctx, pid)
}

// readPID reads the first line of postmaster.pid. An empty file, left by a crash of the machine, counts as none.
func readPID(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0, errors.Join(fs.ErrNotExist, os.Remove(file))
	}
	return pid, nil
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// waitGone polls: one cannot wait for a process that is not one's child.
func waitGone(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, orphanGrace)
	defer cancel()
	ticker := time.NewTicker(orphanPoll)
	defer ticker.Stop()
	for alive(pid) && !zombie(pid) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fault.New(fault.Conflict, "An older PostgreSQL (process %d) does not end. End it with: kill -QUIT %d", pid, pid)
		}
	}
	return nil
}
