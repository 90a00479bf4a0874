package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"
)

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

// stop gives the peak in bytes.
func (m *memoryWatch) stop() uint64 {
	close(m.quit)
	<-m.done
	return m.peak
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
