package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"irc.now/longrunning/local/servers"
	"irc.now/shared/fault"
)

// The loopback addresses. Names below localhost may lead to either.
const (
	loopback4 = "127.0.0.1"
	loopback6 = "::1"
)

// listen opens a port on both loopback addresses; the IPv6 one is left out where the machine has none. Variable names
// the setting that chooses another port.
func listen(ctx context.Context, port int, what, variable string) ([]net.Listener, int, error) {
	first, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(loopback4, strconv.Itoa(port)))
	if err != nil {
		return nil, 0, portFault(err, port, what, variable)
	}
	port = addressOf(first).Port
	second, err := new(net.ListenConfig).Listen(ctx, "tcp6", net.JoinHostPort(loopback6, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, 0, errors.Join(portFault(err, port, what, variable), first.Close())
	}
	if err != nil {
		return []net.Listener{first}, port, nil
	}
	return []net.Listener{first, second}, port, nil
}

func portFault(err error, port int, what, variable string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fault.Wrap(err, fault.Conflict,
			"Port %d is wanted for %s, but another program uses it. Stop that program, or choose another port: %s=%d make run",
			port, what, variable, port+1000)
	case errors.Is(err, syscall.EACCES):
		return fault.Wrap(err, fault.Forbidden,
			"You may not open port %d, which is wanted for %s. Choose one above 1023: %s=8080 make run", port, what, variable)
	}
	return fmt.Errorf("open port %d for %s: %w", port, what, err)
}

// claim finds out whether a child could open port. Where it is 0 it chooses one, and keeps it for the child, which may
// be restarted, until the platform stops. It tells on which loopback addresses the child can listen.
func (p *Platform) claim(ctx context.Context, port int, what, variable string) (hosts []string, chosen int, err error) {
	if port == 0 {
		free, release, err := servers.FreePort()
		if err != nil {
			return nil, 0, err
		}
		p.atStop(func(context.Context) error { release(); return nil })
		port = free
	}
	listeners, chosen, err := listen(ctx, port, what, variable)
	for _, l := range listeners {
		hosts = append(hosts, addressOf(l).IP.String())
		err = errors.Join(err, l.Close())
	}
	return hosts, chosen, err
}

// addressOf is the address of one of our listeners, which are all TCP.
func addressOf(l net.Listener) *net.TCPAddr {
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return &net.TCPAddr{}
	}
	return address
}
