package bounceradmin_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"irc.now/longrunning/bounceradmin"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/tests/eventually"
)

// leave makes the socket of a killed process.
func leave(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestASocketThatNobodyListensOnIsRemoved(t *testing.T) {
	folder := t.TempDir()
	stale, used := filepath.Join(folder, "stale"), filepath.Join(folder, "used")
	leave(t, stale)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", used)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, path := range []string{stale, used, filepath.Join(folder, "none")} {
		go bounceradmin.RemoveStale(t.Context(), path, 10*time.Millisecond, serverstest.Log(t))
	}
	eventually.Within(t, 10*time.Second, func(context.Context) error {
		_, err := os.Lstat(stale)
		return eventually.True(errors.Is(err, fs.ErrNotExist), "the stale socket is still there (%v)", err)
	})
	if conn, err := new(net.Dialer).DialContext(t.Context(), "unix", used); err != nil {
		t.Error("a socket in use was removed:", err)
	} else {
		_ = conn.Close()
	}
}
