//go:build cluster

package story_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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
	l.note(t, "%s: %s, hello %s, ratio %.2f (median of %d)", what, milliseconds(a), milliseconds(b), a.Seconds()/b.Seconds(), len(ours))
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

// memoryWatch keeps the most memory that the machine used at once.
type memoryWatch struct {
	quit, done chan struct{}
	peak       uint64
}

func watchMemory() *memoryWatch {
	m := &memoryWatch{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(m.done)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			m.peak = max(m.peak, usedMemory())
			select {
			case <-m.quit:
				return
			case <-ticker.C:
			}
		}
	}()
	return m
}

func (m *memoryWatch) stop() {
	close(m.quit)
	<-m.done
	figures.mu.Lock()
	defer figures.mu.Unlock()
	figures.lines = append(figures.lines, fmt.Sprintf("peak memory of the machine, all processes: %.1f GB", float64(m.peak)/(1<<30)))
}

// usedMemory is all that is not available to a new program, in bytes.
func usedMemory() uint64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	values := map[string]uint64{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		var kilobytes uint64
		if _, err := fmt.Sscan(rest, &kilobytes); err == nil {
			values[name] = kilobytes << 10
		}
	}
	return values["MemTotal"] - values["MemAvailable"]
}
