package servers

import (
	"fmt"
	"syscall"
)

// FreePort gives a TCP port of loopback that nobody listens on, and keeps it until release: the kernel offers it to no
// program that asks for any port, be it to listen or to connect, while a server that names it may listen on it.
//
// That is what Linux does with a socket that is bound and does not listen, where both sides set SO_REUSEADDR, as Go,
// PostgreSQL and nginx do.
func FreePort() (port int, release func(), err error) {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	if port, err = bind(socket); err != nil {
		_ = syscall.Close(socket)
		return 0, nil, fmt.Errorf("find a free port: %w", err)
	}
	return port, func() { _ = syscall.Close(socket) }, nil
}

func bind(socket int) (port int, err error) {
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	address, err := syscall.Getsockname(socket)
	if err != nil {
		return 0, err
	}
	bound, ok := address.(*syscall.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("it is bound to a %T", address)
	}
	return bound.Port, nil
}
