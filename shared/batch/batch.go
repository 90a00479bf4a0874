// Package batch lets callers that come at the same time share one call, such as one query for all their ids.
//
// It is no cache: what a caller gets was loaded after it asked.
package batch

import (
	"context"
	"sync"
	"time"
)

// Limits bound what a Batcher does at once. All have to be positive.
type Limits struct {
	Loads    int           // that run at the same time; callers that come meanwhile share the next one
	Keys     int           // per load
	Patience time.Duration // for one load, whose context ends then
}

// Batcher loads values by key for many callers. It is safe for concurrent use.
type Batcher[K comparable, V any] struct {
	limits Limits
	load   Load[K, V]

	mu      sync.Mutex
	loaders int // goroutines that load, each until nobody waits
	waiting []*call[K, V]
}

// Load finds the values of keys, among which one may be twice. A key that it leaves out has the zero value; its error
// is that of all who share the load. It is called by goroutines of the batcher and must not panic.
type Load[K comparable, V any] func(ctx context.Context, keys []K) (map[K]V, error)

// call is one caller that waits.
type call[K comparable, V any] struct {
	key    K
	gone   <-chan struct{}   // closed when the caller waits no longer
	answer chan<- outcome[V] // has room for the one answer there is
}

type outcome[V any] struct {
	value V
	err   error
}

// New makes a batcher. It has nothing to close: its goroutines end with the loads they run, so within the patience.
func New[K comparable, V any](limits Limits, load Load[K, V]) *Batcher[K, V] {
	return &Batcher[K, V]{limits: limits, load: load}
}

// Get is the value of key, loaded at once where fewer loads run than may, else by the next. When ctx ends first, its
// error is returned and the load goes on for those who share it.
func (b *Batcher[K, V]) Get(ctx context.Context, key K) (V, error) {
	answer := make(chan outcome[V], 1)
	b.enqueue(&call[K, V]{key: key, gone: ctx.Done(), answer: answer})
	select {
	case got := <-answer:
		return got.value, got.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (b *Batcher[K, V]) enqueue(c *call[K, V]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, c)
	if b.loaders < b.limits.Loads {
		b.loaders++
		go b.work()
	}
}

// work loads until nobody waits.
func (b *Batcher[K, V]) work() {
	for calls := b.next(); calls != nil; calls = b.next() {
		b.serve(calls)
	}
}

// next takes the calls that have waited longest; nil ends the loader that asks.
func (b *Batcher[K, V]) next() (calls []*call[K, V]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting) > 0 && len(calls) < b.limits.Keys {
		first := b.waiting[0]
		b.waiting = b.waiting[1:]
		select {
		case <-first.gone: // loading for those too would keep a backlog long that the present callers wait behind
		default:
			calls = append(calls, first)
		}
	}
	if calls == nil {
		b.loaders--
	}
	return calls
}

func (b *Batcher[K, V]) serve(calls []*call[K, V]) {
	ctx, cancel := context.WithTimeout(context.Background(), b.limits.Patience)
	defer cancel()
	keys := make([]K, len(calls))
	for i, c := range calls {
		keys[i] = c.key
	}
	values, err := b.load(ctx, keys)
	for _, c := range calls {
		c.answer <- outcome[V]{values[c.key], err}
	}
}
