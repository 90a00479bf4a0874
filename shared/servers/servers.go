// Package servers holds what the packages that run foreign servers share: where programs are cached, and
// free ports for servers that cannot tell which one they chose.
package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// CacheDir is where fetched programs are kept: .cache/servers beside the go.mod above the working
// directory. Deleting it costs a download.
func CacheDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".cache", "servers"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: no go.mod above the working directory")
		}
		dir = parent
	}
}

// given holds the ports that FreePort gave: the kernel may offer one again before its server listens.
var given sync.Map

// FreePort gives a TCP port of loopback that nobody listens on now, and each only once in a program. Another program may
// take it before it is used; the server that finds it taken then says so.
func FreePort(ctx context.Context) (int, error) {
	for {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		address, _ := listener.Addr().(*net.TCPAddr)
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		if _, twice := given.LoadOrStore(address.Port, true); !twice {
			return address.Port, nil
		}
	}
}
