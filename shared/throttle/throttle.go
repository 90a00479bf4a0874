// Package throttle limits how often something may be tried, per key: a client address, a user, a token's id.
//
// The counts live in this process only. Where several instances run, each grants its own share; that is enough to
// make guessing hopeless, and needs no shared state that could itself be flooded.
package throttle

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxKeys bounds the memory an attacker with many addresses can make us use (about 100 bytes a key).
const maxKeys = 50_000

// Limiter grants each key a burst of tries and one more each interval. It is safe for concurrent use.
type Limiter struct {
	interval time.Duration
	burst    int
	now      func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// Option changes a Limiter as it is made.
type Option func(*Limiter)

// WithClock makes the limiter read the time from now, for tests.
func WithClock(now func() time.Time) Option { return func(l *Limiter) { l.now = now } }

// New makes a limiter that allows burst tries at once per key and one more each interval.
func New(interval time.Duration, burst int, options ...Option) *Limiter {
	l := &Limiter{interval: interval, burst: burst, now: time.Now, buckets: map[string]*rate.Limiter{}}
	for _, option := range options {
		option(l)
	}
	return l
}

// Allow takes one try from key's bucket; false means the caller has to wait.
func (l *Limiter) Allow(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	bucket, known := l.buckets[key]
	if !known {
		if len(l.buckets) >= maxKeys {
			l.makeRoom(now)
		}
		bucket = rate.NewLimiter(rate.Every(l.interval), l.burst)
		l.buckets[key] = bucket
	}
	return bucket.AllowN(now, 1)
}

// makeRoom forgets the keys whose buckets have filled up again, for they are as good as new. Where an attack left
// none, it forgets half of all: limits that are too kind for a moment beat a program out of memory.
func (l *Limiter) makeRoom(now time.Time) {
	for key, bucket := range l.buckets {
		if bucket.TokensAt(now) >= float64(l.burst) {
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
