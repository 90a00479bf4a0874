//go:build cluster

package story_test

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"
)

// ledger holds what was measured, to be printed together at the end.
type ledger struct {
	mu    sync.Mutex
	lines []string
}

var figures ledger

// note prints a figure at once, for the log, and again with all others at the end.
func (l *ledger) note(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// compare notes how long something took, and the same for the smallest program there is, on the same cluster.
func (l *ledger) compare(t *testing.T, what string, ours, bare []time.Duration) {
	t.Helper()
	a, b := median(ours), median(bare)
	l.note(t, "%s: %s, hello %s, ratio %.2f (aim ≤ %.2f; medians of %d)", what, milliseconds(a), milliseconds(b), a.Seconds()/b.Seconds(), aim, len(ours))
}

func (l *ledger) print(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(w, "Figures:")
	for _, line := range l.lines {
		fmt.Fprintln(w, "  "+line)
	}
}

func median(all []time.Duration) time.Duration { return quantile(all, 0.5) }

// quantile is the smallest value that the given part of all values does not exceed.
func quantile(all []time.Duration, part float64) time.Duration {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
