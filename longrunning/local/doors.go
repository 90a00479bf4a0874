package local

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"irc.now/functions"
)

// Doors of parts that are no functions. A function's door has the function's name.
const (
	adminDoor   = "bounceradmin"
	brokerDoor  = "broker"
	stripeDoor  = "stripe-api" // of the stand-in
	webhookDoor = "webhooks"   // functions/stripe, as the stand-in reaches it
)

// internal reports whether only other parts talk to a function that runs here.
func internal(part functions.Part) bool { return !part.Public() && !part.Cluster }

// openDoors opens a loopback port for each part that only other parts talk to. That happens before any of them starts,
// because each is told the addresses of others; who knocks meanwhile waits in the port's queue.
func (p *Platform) openDoors(ctx context.Context) error {
	names := []string{adminDoor, brokerDoor, stripeDoor, webhookDoor}
	for _, part := range functions.Where(internal) {
		names = append(names, part.Name)
	}
	for _, name := range names {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(loopback4, "0"))
		if err != nil {
			return fmt.Errorf("open an internal port: %w", err)
		}
		p.atStop(func(context.Context) error { return closeAll([]net.Listener{l}) })
		p.doors[name] = l
	}
	return nil
}

// address is where the part behind a door is.
func (p *Platform) address(door string) string { return "http://" + p.doors[door].Addr().String() }

// answer lets the part behind a door answer from now on.
func (p *Platform) answer(door string, handler http.Handler) {
	l := p.doors[door]
	p.serve(onlyAs(l.Addr().String(), handler), l)
}

// onlyAs answers requests for host alone. A foreign name that somebody points at loopback (DNS rebinding) would make a
// page in this machine's browser count as the part's own.
func onlyAs(host string, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host {
			http.Error(w, "This address has another name.", http.StatusMisdirectedRequest)
			return
		}
		handler.ServeHTTP(w, r)
	})
}
