package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"irc.now/shared/fault"
)

const probeInterval = 25 * time.Millisecond

// WaitReady calls probe until it answers nil. It gives up when the child ends (with the child's own error), when ctx does
// (with what probe said last), or when probe answers a fault of a kind that asking again does not mend. A server tells
// nobody when it is ready, so asking again is all one can do.
func (p *Process) WaitReady(ctx context.Context, probe func(context.Context) error) error {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		failed := probe(ctx)
		if failed == nil || !fault.KindOf(failed).Temporary() {
			return failed
		}
		select {
		case <-p.done:
			return fmt.Errorf("wait for %s: %w", p.spec.Name, cmp.Or(p.err, errEnded))
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", p.spec.Name, errors.Join(ctx.Err(), failed))
		case <-ticker.C:
		}
	}
}

var errEnded = errors.New("it ended before it was ready")

// Dial is a probe that answers nil once somebody accepts connections at address.
func Dial(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		dialer := net.Dialer{Timeout: time.Second}
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
