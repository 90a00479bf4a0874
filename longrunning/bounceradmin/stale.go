package bounceradmin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"irc.now/shared/background"
)

// RemoveStale looks at the socket until ctx ends, and removes it when nobody listens on it: what a killed soju leaves
// behind keeps the next one from starting. One that is refused has to be the same and refused at the next look too, since
// a socket that is just being made refuses for a moment.
func RemoveStale(ctx context.Context, path string, every time.Duration, log *slog.Logger) {
	var refused fs.FileInfo
	look := func(ctx context.Context) {
		var err error
		if refused, err = removeRefused(ctx, path, refused); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "could not remove a stale admin socket", slog.Any("error", err))
		}
	}
	look(ctx)
	background.Every(ctx, every, look)
}

// removeRefused returns the socket if nobody answers on it and it was not removed.
func removeRefused(ctx context.Context, path string, before fs.FileInfo) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil, nil // there is none, as at the start
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		return nil, conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) || before == nil || !os.SameFile(before, info) {
		return info, nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return info, fmt.Errorf("remove %s: %w", path, err)
	}
	return nil, nil // gone
}
