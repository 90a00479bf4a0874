package throttle

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBurstThenOneEachInterval(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := New(time.Minute, 3, WithClock(func() time.Time { return now }))
	for try := range 3 {
		if !l.Allow("a") {
			t.Fatalf("try %d of the burst was refused", try+1)
		}
	}
	if l.Allow("a") {
		t.Error("the fourth try at once was allowed")
	}
	if !l.Allow("b") {
		t.Error("another key pays for the first one's tries")
	}
	now = now.Add(time.Minute)
	if !l.Allow("a") {
		t.Error("no new try after the interval")
	}
	if l.Allow("a") {
		t.Error("two new tries after one interval")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := New(time.Hour, 1, WithClock(func() time.Time { return now }))
	for key := range maxKeys * 2 {
		l.Allow(strconv.Itoa(key))
	}
	if len(l.buckets) > maxKeys {
		t.Errorf("%d keys are kept, more than %d", len(l.buckets), maxKeys)
	}
	now = now.Add(2 * time.Hour)
	for key := range maxKeys {
		l.Allow("later" + strconv.Itoa(key))
	}
	if len(l.buckets) > maxKeys {
		t.Errorf("%d keys are kept after the old ones ran out, more than %d", len(l.buckets), maxKeys)
	}
}

func TestAddressKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":               "192.0.2.7",
		"::ffff:192.0.2.7":        "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"2001:db8:1:2::1":         "2001:db8:1:2::/64",
		"fe80::1%eth0":            "fe80::/64",
		"not an address":          "not an address",
		"":                        "",
		"2001:db8:1:2:3:4:5:6:7:": "2001:db8:1:2:3:4:5:6:7:",
	} {
		if got := AddressKey(address); got != want {
			t.Errorf("AddressKey(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestWhatIsGivenBackDoesNotCount(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := New(time.Minute, 2, WithClock(func() time.Time { return now }))
	for range 100 {
		if !l.Allow("a") {
			t.Fatal("good tries used up the bucket")
		}
		l.Give("a")
	}
	l.Give("a")
	allowed := 0
	for l.Allow("a") {
		allowed++
	}
	if allowed != 2 {
		t.Errorf("%d tries are left of 2", allowed)
	}
}

func TestAFullBucketDelaysBeforeItRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(time.Second, 1)
		begun := time.Now()
		for turn := range 4 {
			if !l.Wait(t.Context(), "a", 3*time.Second) {
				t.Fatalf("turn %d was refused", turn)
			}
			if waited := time.Since(begun); waited != time.Duration(turn)*time.Second {
				t.Errorf("turn %d came after %s", turn, waited)
			}
		}
		var queue sync.WaitGroup
		for range 3 {
			queue.Go(func() { l.Wait(t.Context(), "a", 3*time.Second) })
		}
		synctest.Wait()
		begun = time.Now()
		if l.Wait(t.Context(), "a", 3*time.Second) || time.Since(begun) != 0 {
			t.Error("whose turn is too far off was not refused at once")
		}
		queue.Wait()
	})
}

func TestReadyWaitsAndTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(time.Second, 1)
		for range 3 {
			if !l.Ready(t.Context(), "a", 0) {
				t.Fatal("a fresh bucket is not ready")
			}
		}
		l.Allow("a")
		if l.Ready(t.Context(), "a", 0) {
			t.Error("an empty bucket is ready")
		}
		if begun := time.Now(); !l.Ready(t.Context(), "a", 2*time.Second) || time.Since(begun) != time.Second {
			t.Errorf("not ready within a second, but %s", time.Since(begun))
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		l.Allow("a")
		if l.Ready(ended, "a", 2*time.Second) {
			t.Error("ready for somebody who has gone")
		}
	})
}
