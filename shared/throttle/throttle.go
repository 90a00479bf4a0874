// Package throttle limits how often something may be tried, per key: a client address, a user, a token's id.
//
// The counts live in this process only. Where several instances run, each grants its own share; that is enough to
// make guessing hopeless, and needs no shared state that could itself be flooded.
//
// A bucket that strangers can empty must not stand before those who have shown who they are. Where good and bad tries
// have the same key, only the bad ones are to count: [Limiter.Give] puts back what a good one took.
package throttle

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// maxKeys bounds the memory an attacker with many addresses can make us use (about 100 bytes a key).
const maxKeys = 50_000

// Limiter grants each key a burst of tries and one more each interval. It is safe for concurrent use.
type Limiter struct {
	interval time.Duration
	burst    float64
	now      func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket
}

// bucket holds what tries a key had left at a time; less than none where some wait for tries to come.
type bucket struct {
	left float64
	at   time.Time
}

// Option changes a Limiter as it is made.
type Option func(*Limiter)

// WithClock makes the limiter read the time from now, for tests.
func WithClock(now func() time.Time) Option { return func(l *Limiter) { l.now = now } }

// New makes a limiter that allows burst tries at once per key and one more each interval.
func New(interval time.Duration, burst int, options ...Option) *Limiter {
	l := &Limiter{interval: interval, burst: float64(burst), now: time.Now, buckets: map[string]bucket{}}
	for _, option := range options {
		option(l)
	}
	return l
}

// Allow takes one try from key's bucket; false means there is none, and the caller has to wait.
func (l *Limiter) Allow(key string) bool {
	_, ok := l.take(key, 0)
	return ok
}

// Wait takes one try from key's bucket. Where there is none, it waits for its turn; false means that this would take
// longer than patience, or that ctx has ended.
func (l *Limiter) Wait(ctx context.Context, key string, patience time.Duration) bool {
	turn, ok := l.take(key, patience)
	return ok && pause(ctx, turn)
}

// Ready waits until key's bucket holds a try, and takes none: for callers who learn only afterwards whether theirs is
// one that counts. False means that none came within patience, or that ctx has ended.
func (l *Limiter) Ready(ctx context.Context, key string, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		missing := l.missing(key)
		if missing <= 0 {
			return true
		}
		if missing > patience || !pause(ctx, missing) {
			return false
		}
	}
}

// Give puts back a try that was taken and turned out not to count.
func (l *Limiter) Give(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, known := l.buckets[key]; known {
		b.left = min(b.left+1, l.burst)
		l.buckets[key] = b
	}
}

// take takes a try that key has now, or will have within patience; turn is how long that is.
func (l *Limiter) take(key string, patience time.Duration) (turn time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.look(key)
	if !known && len(l.buckets) >= maxKeys {
		l.makeRoom(b.at)
	}
	b.left--
	if turn = l.wants(-b.left); turn > patience {
		return turn, false
	}
	l.buckets[key] = b
	return turn, true
}

// missing is how long it takes until key has a try.
func (l *Limiter) missing(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, _ := l.look(key)
	return l.wants(1 - b.left)
}

// wants is how long it takes for so many tries to come; none where they are there.
func (l *Limiter) wants(tries float64) time.Duration {
	const rounding = 1e-9 // of a try: what adding up fractions may lose
	if tries <= rounding {
		return 0
	}
	return time.Duration(tries * float64(l.interval))
}

// look is key's bucket as it is now.
func (l *Limiter) look(key string) (b bucket, known bool) {
	now := l.now()
	b, known = l.buckets[key]
	if !known {
		return bucket{left: l.burst, at: now}, false
	}
	return bucket{left: l.leftAt(b, now), at: now}, true
}

func (l *Limiter) leftAt(b bucket, now time.Time) float64 {
	return min(b.left+float64(max(now.Sub(b.at), 0))/float64(l.interval), l.burst)
}

// makeRoom forgets the keys whose buckets have filled up again, for they are as good as new. Where an attack left
// none, it forgets half of all: limits that are too kind for a moment beat a program out of memory.
func (l *Limiter) makeRoom(now time.Time) {
	for key, b := range l.buckets {
		if l.leftAt(b, now) >= l.burst {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) <= maxKeys/2 {
			return
		}
		delete(l.buckets, key)
	}
}

// pause reports whether d passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// AddressKey is the key for a client's address: the address itself for IPv4, its /64 for IPv6, where one customer
// has at least that many addresses. What is no address (a name of a test, a socket) is its own key.
func AddressKey(address string) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	parsed = parsed.Unmap().WithZone("")
	if parsed.Is4() {
		return parsed.String()
	}
	prefix, err := parsed.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
