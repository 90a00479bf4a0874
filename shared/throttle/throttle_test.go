package throttle

import (
	"strconv"
	"testing"
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
