package broker

import (
	"context"
	"log/slog"
	"time"

	"irc.now/shared/event"
)

const (
	width         = 16               // deliveries of one trigger at once
	window        = 128              // claimed at once: those under way and those that wait for a place
	leaseSlack    = 30 * time.Second // for storing outcomes, beyond the subscriber's timeout
	longestWait   = time.Minute      // how long a lane trusts that nothing comes due unseen
	afterFailure  = time.Second      // before asking an absent database again
	recordTimeout = 10 * time.Second
)

// lane delivers for one trigger, so that a slow or dead subscriber keeps nobody else back. Only the goroutine in run
// touches its state; wake may be called from anywhere.
type lane struct {
	*route
	queue   *queue
	log     *slog.Logger
	metrics *metrics
	onDead  func(DeadLetter)
	reply   func(ctx context.Context, to, reply event.Event) error

	woken    chan struct{}
	places   chan struct{} // holds one for each delivery under way
	outcomes chan outcome  // room for all that are claimed: nobody waits to report
}

func newLane(r *route, q *queue, c Config, m *metrics,
	reply func(ctx context.Context, to, reply event.Event) error,
) *lane {
	return &lane{
		route: r, queue: q, log: c.Log.With("trigger", r.name()), metrics: m, onDead: c.OnDeadLetter, reply: reply,
		woken: make(chan struct{}, 1), places: make(chan struct{}, width), outcomes: make(chan outcome, window),
	}
}

// wake says that there may be something to deliver.
func (l *lane) wake() {
	select {
	case l.woken <- struct{}{}:
	default: // it will look anyway
	}
}

// run delivers until soft ends, then waits for what is under way, which hard cuts short.
func (l *lane) run(soft, hard context.Context) {
	claimed, look := 0, false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-soft.Done():
			for claimed > 0 {
				recorded, _ := l.record(<-l.outcomes)
				claimed -= recorded
			}
			return
		case <-l.woken:
			look = true
		case <-timer.C:
			look = true
		case first := <-l.outcomes:
			recorded, again := l.record(first)
			claimed -= recorded
			look = look || again
		}
		// Claiming many at once keeps the number of statements per event low under load.
		if room := window - claimed; look && room >= window/2 {
			begun := l.begin(soft, hard, room)
			claimed += begun
			if look = begun == room; !look {
				timer.Reset(l.wait(soft))
			}
		}
	}
}

// begin claims up to room deliveries, starts them and returns how many: none where the database is away.
func (l *lane) begin(soft, hard context.Context, room int) int {
	claimed, err := l.queue.claim(soft, l.name(), room, window/width*l.policy.timeout+leaseSlack)
	if err != nil && soft.Err() == nil {
		l.log.ErrorContext(soft, "claim deliveries", "error", err)
	}
	for _, d := range claimed {
		go func() { l.outcomes <- l.deliverInTurn(soft, hard, d) }()
	}
	return len(claimed)
}

// deliverInTurn waits for a place. What has none when soft ends is given back.
func (l *lane) deliverInTurn(soft, hard context.Context, d delivery) outcome {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
		return l.deliver(hard, d)
	case <-soft.Done():
		return outcome{delivery: d, verdict: released}
	}
}

// wait is how long to do nothing unless woken.
func (l *lane) wait(ctx context.Context) time.Duration {
	wait, err := l.queue.untilNext(ctx, l.name(), longestWait)
	if err != nil {
		return afterFailure
	}
	return wait
}

// record stores first and every other outcome there is, and returns how many; again is true where one of them is to
// be tried again. What cannot be stored is delivered once more when its claim has run out.
func (l *lane) record(first outcome) (recorded int, again bool) {
	all := []outcome{first}
	for more := true; more; {
		select {
		case next := <-l.outcomes:
			all = append(all, next)
		default:
			more = false
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	err := l.queue.record(ctx, all)
	if err != nil {
		l.log.ErrorContext(ctx, "outcomes are lost; the events will be delivered again", "error", err)
	}
	for _, o := range all {
		l.metrics.count(l.name(), o)
		again = again || o.verdict == retried
		if o.verdict == dead && err == nil && l.onDead != nil {
			l.onDead(o.deadLetter(l.name()))
		}
	}
	return len(all), again
}
