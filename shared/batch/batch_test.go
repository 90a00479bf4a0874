package batch_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"irc.now/shared/batch"
)

// source is loaded from; each load takes a second of the test's clock.
type source struct {
	mu    sync.Mutex
	loads [][]int
	err   error
}

func (s *source) load(ctx context.Context, keys []int) (map[int]string, error) {
	s.mu.Lock()
	s.loads = append(s.loads, slices.Sorted(slices.Values(keys)))
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	values := map[int]string{}
	for _, key := range keys {
		if key >= 0 {
			values[key] = strconv.Itoa(key)
		}
	}
	return values, s.err
}

func (s *source) wantLoads(t *testing.T, want ...[]int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.EqualFunc(s.loads, want, slices.Equal) {
		t.Errorf("loads = %v, want %v", s.loads, want)
	}
}

func limits(loads, keys int) batch.Limits {
	return batch.Limits{Loads: loads, Keys: keys, Patience: time.Minute}
}

// ask gets keys all at once, each to its value.
func ask(t *testing.T, b *batch.Batcher[int, string], keys ...int) {
	t.Helper()
	for _, key := range keys {
		go func() {
			if got, err := b.Get(t.Context(), key); err != nil || got != strconv.Itoa(key) {
				t.Errorf("Get(%d) = %q, %v", key, got, err)
			}
		}()
	}
	synctest.Wait()
}

// pass lets time pass, and all be done that it brings about.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestCallersOfTheSameTimeShareALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		b := batch.New(limits(1, 64), s.load)
		ask(t, b, 1)
		ask(t, b, 2, 3, 1) // 1 again: the load that runs began before this was asked
		pass(2 * time.Second)
		ask(t, b, 1)
		pass(time.Second)
		s.wantLoads(t, []int{1}, []int{1, 2, 3}, []int{1})
	})
}

func TestNobodyWaitsWhereALoadMayRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		b := batch.New(limits(2, 64), s.load)
		ask(t, b, 1)
		ask(t, b, 2)
		ask(t, b, 3)
		s.wantLoads(t, []int{1}, []int{2})
		pass(2 * time.Second)
		s.wantLoads(t, []int{1}, []int{2}, []int{3})
	})
}

func TestALoadIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		b := batch.New(limits(1, 2), s.load)
		for key := range 6 {
			ask(t, b, key)
		}
		pass(4 * time.Second)
		s.wantLoads(t, []int{0}, []int{1, 2}, []int{3, 4}, []int{5})
	})
}

func TestOneCallersEndIsNotTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		b := batch.New(limits(1, 64), s.load)
		leaving, leave := context.WithCancel(t.Context())
		get := func(key int) {
			if _, err := b.Get(leaving, key); !errors.Is(err, context.Canceled) {
				t.Errorf("Get(%d) of the caller that leaves: %v", key, err)
			}
		}
		go get(1) // loads at once
		synctest.Wait()
		go get(2) // is gone before its load
		ask(t, b, 3)
		leave()
		pass(2 * time.Second)
		s.wantLoads(t, []int{1}, []int{3})
	})
}

func TestAnErrorIsThatOfAllWhoShareTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{err: errors.New("away")}
		b := batch.New(limits(1, 64), s.load)
		var callers sync.WaitGroup
		for key := range 3 {
			callers.Go(func() {
				if _, err := b.Get(t.Context(), key); !errors.Is(err, s.err) {
					t.Errorf("Get(%d): %v", key, err)
				}
			})
		}
		callers.Wait()
	})
}

func TestPatienceEndsALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := batch.New(batch.Limits{Loads: 1, Keys: 1, Patience: time.Millisecond}, new(source).load)
		if _, err := b.Get(t.Context(), 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAKeyThatIsNotThereHasTheZeroValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got, err := batch.New(limits(1, 1), new(source).load).Get(t.Context(), -1); err != nil || got != "" {
			t.Errorf("Get = %q, %v", got, err)
		}
	})
}
