//go:build !linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// FreePort gives a TCP port of loopback that nobody listens on now. Only Linux can keep it for whoever asked: here
// another program may take it before it is used, and the server that finds it taken says so.
func FreePort() (port int, release func(), err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	address, err := netip.ParseAddrPort(listener.Addr().String())
	return int(address.Port()), func() {}, errors.Join(err, listener.Close())
}
