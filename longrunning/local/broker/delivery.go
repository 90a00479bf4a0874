package broker

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Delivery is how a Trigger, or a Broker for Triggers that do not say, wants events delivered.
type Delivery struct {
	DeadLetterSink *Destination `json:"deadLetterSink,omitempty"`
	Retry          *int         `json:"retry,omitempty"`
	BackoffPolicy  string       `json:"backoffPolicy,omitempty"`
	BackoffDelay   string       `json:"backoffDelay,omitempty"`
	Timeout        string       `json:"timeout,omitempty"`
}

// policy is a Delivery with nothing left open.
type policy struct {
	retries     int
	linear      bool
	delay       time.Duration
	timeout     time.Duration
	deadLetters bool // kept after the last retry, rather than dropped
}

// What Knative's default configuration says where neither Trigger nor Broker does.
var defaultPolicy = policy{retries: 10, delay: 200 * time.Millisecond, timeout: 30 * time.Second}

// longestPause bounds exponential back-off, which has no bound in the manifests.
const longestPause = time.Hour

// policy reads d. As in the cluster, broker's delivery is taken where there is no d, and its dead-letter sink where d
// has none.
func (d *Delivery) policy(broker *Delivery) (policy, error) {
	p := defaultPolicy
	p.deadLetters = d != nil && d.DeadLetterSink != nil || broker != nil && broker.DeadLetterSink != nil
	if d == nil {
		d = broker
	}
	if d == nil {
		return p, nil
	}
	if d.DeadLetterSink != nil {
		if err := d.DeadLetterSink.check(); err != nil {
			return p, fmt.Errorf("deadLetterSink: %w", err)
		}
	}
	// As in the cluster, a delivery without retry means none.
	p.retries = 0
	if d.Retry != nil {
		p.retries = *d.Retry
	}
	if p.retries < 0 {
		return p, fmt.Errorf("retry is %d", p.retries)
	}
	return p, p.readTimes(d)
}

func (p *policy) readTimes(d *Delivery) (err error) {
	switch d.BackoffPolicy {
	case "", "exponential":
	case "linear":
		p.linear = true
	default:
		return fmt.Errorf("backoffPolicy %q is neither exponential nor linear", d.BackoffPolicy)
	}
	if d.BackoffDelay != "" {
		if p.delay, err = parseDuration(d.BackoffDelay); err != nil {
			return fmt.Errorf("backoffDelay: %w", err)
		}
	}
	if d.Timeout != "" {
		if p.timeout, err = parseDuration(d.Timeout); err != nil || p.timeout <= 0 {
			return fmt.Errorf("timeout %q is no positive duration", d.Timeout)
		}
	}
	return nil
}

// pause is how long to wait before the nth retry, n counting from 1.
func (p policy) pause(n int) time.Duration {
	if p.linear {
		return min(p.delay*time.Duration(n), longestPause)
	}
	pause := p.delay
	for ; n > 1 && pause < longestPause; n-- {
		pause *= 2
	}
	return min(pause, longestPause)
}

var isoDuration = regexp.MustCompile(`^P(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8}(?:\.\d{1,9})?)S)?)?$`)

// parseDuration reads the part of ISO 8601 durations that has a fixed length: "PT0.5S", "PT2M", "P1DT12H".
func parseDuration(text string) (time.Duration, error) {
	parts := isoDuration.FindStringSubmatch(text)
	if parts == nil || text == "P" || text[len(text)-1] == 'T' {
		return 0, fmt.Errorf("%q is not an ISO 8601 duration such as PT0.5S", text)
	}
	var total time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if parts[i+1] == "" {
			continue
		}
		number, err := strconv.ParseFloat(parts[i+1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q: %w", text, err)
		}
		total += time.Duration(number * float64(unit))
	}
	return total, nil
}
