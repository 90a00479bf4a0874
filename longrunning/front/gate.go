package front

import (
	"container/list"
	"net/netip"
	"sync"
)

// Limits are bounds of connections. The zero value of each is its default.
type Limits struct {
	Total      int // connections at a time; 2,000
	PerAddress int // of one address from the internet; 100
	// Strangers are connections that have not signed in: of one address, 20. Of all together a quarter of Total.
	Strangers int
}

func (l *Limits) fill() {
	for _, field := range []struct {
		value    *int
		standard int
	}{{&l.Total, 2000}, {&l.PerAddress, 100}, {&l.Strangers, 20}} {
		if *field.value == 0 {
			*field.value = field.standard
		}
	}
}

// gate counts connections and decides who may come in. It is safe for concurrent use.
type gate struct {
	limits Limits

	mu        sync.Mutex
	open      int
	strangers *list.List // of *ticket, the oldest first
	addresses map[netip.Prefix]*counts
}

type counts struct{ open, strangers int }

// ticket is one connection that came in.
type ticket struct {
	gate     *gate
	bound    bool // by its address
	address  netip.Prefix
	stranger *list.Element // nil once signed in
	evict    func()        // ends the connection
}

// The reasons for which a connection is refused, as metrics name them.
const (
	refusedFull    = "full"
	refusedAddress = "address"
)

func newGate(limits Limits) *gate {
	limits.fill()
	return &gate{limits: limits, strangers: list.New(), addresses: map[netip.Prefix]*counts{}}
}

// enter lets a connection in, or returns why not. Where there are too many strangers, the oldest of them goes: it had most
// time to sign in. evict is called for that, from another goroutine, and must not wait.
func (g *gate) enter(address netip.Addr, evict func()) (*ticket, string) {
	t := &ticket{gate: g, evict: evict, bound: public(address)}
	if t.bound {
		t.address = site(address)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.bound {
		c := g.addresses[t.address]
		if c != nil && (c.open >= g.limits.PerAddress || c.strangers >= g.limits.Strangers) {
			return nil, refusedAddress
		}
	}
	if g.open >= g.limits.Total || g.strangers.Len() >= max(g.limits.Total/4, 1) {
		if !g.evictOldest() {
			return nil, refusedFull
		}
	}
	g.open++
	t.stranger = g.strangers.PushBack(t)
	if t.bound {
		c := g.addresses[t.address]
		if c == nil {
			c = &counts{}
			g.addresses[t.address] = c
		}
		c.open++
		c.strangers++
	}
	return t, ""
}

func (g *gate) evictOldest() bool {
	oldest := g.strangers.Front()
	if oldest == nil {
		return false
	}
	t, ok := oldest.Value.(*ticket)
	if !ok {
		return false // it never is anything else
	}
	t.known()
	t.evict()
	return true
}

// signedIn makes a connection no stranger's any more.
func (t *ticket) signedIn() {
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	t.known()
}

// known takes the connection off the strangers; the gate is locked.
func (t *ticket) known() {
	if t.stranger == nil {
		return
	}
	t.gate.strangers.Remove(t.stranger)
	t.stranger = nil
	if t.bound {
		t.gate.addresses[t.address].strangers--
	}
}

// leave gives the place back. It must be called once.
func (t *ticket) leave() {
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	t.known()
	t.gate.open--
	if t.bound {
		c := t.gate.addresses[t.address]
		if c.open--; c.open == 0 {
			delete(t.gate.addresses, t.address)
		}
	}
}

// counted are the connections, and how many of them are strangers'.
func (g *gate) counted() (open, strangers int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open, g.strangers.Len()
}

// public tells an address of the internet from one that an ingress, a gateway or this machine has: behind such a one are many
// people, so no bound of one's own would be fair.
func public(address netip.Addr) bool {
	return address.IsGlobalUnicast() && !address.IsPrivate() && !carrierGrade.Contains(address)
}

var carrierGrade = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598; some clusters number their pods from it

// site is what one subscriber has: an IPv4 address, or an IPv6 network of 64 bits.
func site(address netip.Addr) netip.Prefix {
	bits := 32
	if address.Is6() {
		bits = 64
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.PrefixFrom(address, bits) // it has a zone, and no other
	}
	return prefix
}
