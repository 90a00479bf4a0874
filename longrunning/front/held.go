package front

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of what waits for one client: then nothing more is read from it.
const (
	maxHeldLines = 256
	maxHeldBytes = 64 << 10
)

// held passes lines on to soju in their order, some of them later. A PING passes by: clients measure by it whether the
// connection works.
type held struct {
	to      io.Writer // soju
	pace    *pace
	waiting prometheus.Gauge // lines, of all clients

	writing sync.Mutex // held for a write to soju

	mu      sync.Mutex
	queue   []heldLine
	bytes   int
	sending bool // a goroutine works on queue
	urgent  bool // nothing waits any more
	ended   bool // soju is gone
	changed chan struct{}
}

type heldLine struct {
	text []byte
	due  time.Time
}

func newHeld(to *net.UnixConn, p *pace, waiting prometheus.Gauge) *held {
	return &held{to: to, pace: p, waiting: waiting, changed: make(chan struct{})}
}

// pass gives whole lines to soju, or queues them; it waits while the queue is full. It returns how long the last of them has
// to wait. The lines are the caller's again when it returns.
func (h *held) pass(chunk []byte, now time.Time) (wait time.Duration, err error) {
	through := 0 // how much of chunk goes to soju at once
	for line := range bytes.Lines(chunk) {
		delay := h.pace.wait(line, now)
		if delay <= 0 && through >= 0 && !h.busy() {
			through += len(line)
			continue
		}
		if through > 0 { // the lines before go first
			if err := h.write(chunk[:through]); err != nil {
				return wait, err
			}
		}
		through = -1
		if verb, _ := command(line); verb == "PING" {
			err = h.write(line)
		} else {
			wait = max(delay, 0)
			err = h.keep(line, now.Add(delay))
		}
		if err != nil {
			return wait, err
		}
	}
	if through > 0 {
		return 0, h.write(chunk[:through])
	}
	return wait, nil
}

func (h *held) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sending
}

// keep queues a line. It returns an error when soju is gone.
func (h *held) keep(line []byte, due time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.ended && (len(h.queue) >= maxHeldLines || h.bytes >= maxHeldBytes) {
		h.await()
	}
	if h.ended {
		return net.ErrClosed
	}
	h.queue = append(h.queue, heldLine{bytes.Clone(line), due})
	h.bytes += len(line)
	h.waiting.Inc()
	if !h.sending {
		h.sending = true
		go h.send()
	}
	return nil
}

// await unlocks mu until something has changed.
func (h *held) await() {
	changed := h.changed
	h.mu.Unlock()
	<-changed
	h.mu.Lock()
}

// change wakes whoever awaits; mu is locked.
func (h *held) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// send passes the queue on until it is empty, each line when it is due.
func (h *held) send() {
	for {
		line, ok := h.first()
		if !ok {
			return
		}
		h.sleep(time.Until(line.due))
		if err := h.write(line.text); err != nil {
			h.abandon()
		}
		h.dropFirst()
	}
}

func (h *held) first() (heldLine, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		h.sending = false
		h.change()
		return heldLine{}, false
	}
	return h.queue[0], true
}

// sleep ends early when nothing shall wait any more.
func (h *held) sleep(wait time.Duration) {
	alarm := time.NewTimer(wait)
	defer alarm.Stop()
	for {
		h.mu.Lock()
		changed, early := h.changed, h.urgent || h.ended
		h.mu.Unlock()
		if early || wait <= 0 {
			return
		}
		select {
		case <-alarm.C:
			return
		case <-changed:
		}
	}
}

func (h *held) dropFirst() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return // abandoned
	}
	h.bytes -= len(h.queue[0].text)
	h.queue = h.queue[1:]
	h.waiting.Dec()
	h.change()
}

func (h *held) write(text []byte) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	if _, err := h.to.Write(text); err != nil {
		return fmt.Errorf("pass lines on to soju: %w", err)
	}
	return nil
}

// drain waits until soju has got everything, or is gone.
func (h *held) drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.sending && !h.ended {
		h.await()
	}
}

// hurry lets nothing wait any more.
func (h *held) hurry() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.urgent = true
	h.change()
}

// abandon forgets what waits: soju is gone.
func (h *held) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting.Sub(float64(len(h.queue)))
	h.queue, h.bytes, h.ended = nil, 0, true
	h.change()
}
