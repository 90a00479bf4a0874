package front

import (
	"io"
	"net/netip"
)

// What tests look at from outside.

func Lines(from io.Reader) func() ([]byte, error) { return (&lines{from: from}).next }

func Cost(line string) int { return cost([]byte(line)) }

type Gate struct{ g *gate }

func NewGate(limits Limits) Gate { return Gate{newGate(limits)} }

func (g Gate) Enter(address string, evict func()) (signedIn, leave func(), refusal string) {
	t, refusal := g.g.enter(netip.MustParseAddr(address), evict)
	if t == nil {
		return nil, nil, refusal
	}
	return t.signedIn, t.leave, ""
}

func (g Gate) Counted() (open, strangers, addresses int) {
	open, strangers = g.g.counted()
	return open, strangers, len(g.g.addresses)
}
