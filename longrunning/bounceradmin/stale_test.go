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
		go bounceradmin.RemoveStale(t.Context(), 10*time.Millisecond, serverstest.Log(t), path)
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

// A container is started again within a second, so a soju that was killed must not have left its sockets by then.
func TestSocketsOfAKilledServerAreGoneBeforeItsNextStart(t *testing.T) {
	folder := t.TempDir()
	paths := []string{filepath.Join(folder, "admin"), filepath.Join(folder, "irc")}
	var listeners []*net.UnixListener
	for _, path := range paths {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		listener.SetUnlinkOnClose(false)
		listeners = append(listeners, listener)
	}
	go bounceradmin.RemoveStale(t.Context(), time.Hour, serverstest.Log(t), paths...)
	held, err := listeners[0].Accept()
	for err == nil { // the last one is held; those before only looked
		_ = held.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := held.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		held, err = listeners[0].Accept()
	}
	for _, listener := range listeners {
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	eventually.Within(t, 800*time.Millisecond, func(context.Context) error {
		left, err := os.ReadDir(folder)
		return eventually.True(err == nil && len(left) == 0, "%d sockets are left (%v)", len(left), err)
	})
}
