package bounceradmin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"irc.now/shared/background"
)

const (
	// staleSoon is between looks in the first moments after soju has gone: the next one starts within a second.
	staleSoon = 20 * time.Millisecond
	// staleFor is how long such moments last.
	staleFor = 5 * time.Second
)

// RemoveStale removes sockets that nobody listens on: what a killed soju leaves behind keeps the next one from starting. It
// holds a connection to the first of paths, soju's admin socket, whose end tells at once that soju is gone, and looks at all
// of them then; else at each interval, until ctx ends.
func RemoveStale(ctx context.Context, every time.Duration, log *slog.Logger, paths ...string) {
	refused := make([]fs.FileInfo, len(paths))
	look := func(ctx context.Context) {
		for i, path := range paths {
			var err error
			if refused[i], err = removeRefused(ctx, path, refused[i]); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "could not remove a stale socket", slog.Any("error", err))
			}
		}
	}
	for ctx.Err() == nil {
		look(ctx)
		pause, turns := every, 1
		if held(ctx, paths[0]) {
			pause, turns = staleSoon, int(staleFor/staleSoon)
		}
		some, stop := context.WithTimeout(ctx, pause*time.Duration(turns)+pause/2)
		background.Every(some, pause, look)
		stop()
	}
}

// held reports whether somebody listened on the socket, after they have ceased to.
func held(ctx context.Context, path string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	_, _ = io.Copy(io.Discard, conn) // soju says nothing here unless it is asked
	return true
}

// removeRefused returns the socket if nobody answers on it and it was not removed. One that is refused has to be the same and
// refused at the look before, too, since a socket that is just being made refuses for a moment.
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
