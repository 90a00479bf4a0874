// Package load measures what crosses programs. Every figure is a ratio between our program and a bare one that
// does the least such a program can do, both run in turn on the same machine, so that it means the same
// everywhere.
package load

import (
	"slices"
	"testing"
	"time"
)

// Slowdown runs ours and bare in turn until the benchmark has enough of them, and reports how many times as
// long ours takes as "ratio", by medians, next to both times in milliseconds. Each runs once before that, so
// that caches are warm and migrations done.
func Slowdown(b *testing.B, ours, bare func() time.Duration) {
	b.Helper()
	ours()
	bare()
	var our, their []time.Duration
	for b.Loop() {
		our = append(our, ours())
		their = append(their, bare())
	}
	b.ReportMetric(0, "ns/op") // the sum of both means nothing
	b.ReportMetric(milliseconds(median(our)), "ms")
	b.ReportMetric(milliseconds(median(their)), "bare-ms")
	b.ReportMetric(float64(median(our))/float64(median(their)), "ratio")
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
