//go:build cluster

package story_test

import (
	"fmt"
	"testing"
	"time"

	"irc.now/shared/event"
)

// rounds is how often a start from zero is measured; between two, everything goes to zero, which takes a minute.
const rounds = 5

// warmEach is how often in each round what is warm is measured.
const warmEach = 20

// TestFunctionsStartFromZero measures what it takes to wake our functions, beside the smallest ones that there can be: the
// portal by a GET, billing by an event through the broker; and admission, which the API server waits for. Nothing else
// starts meanwhile, since the clock stands still. In every other round ours come first.
func TestFunctionsStartFromZero(t *testing.T) {
	here.onFailure(t)
	eve := here.newcomer(t, "eve")
	bouncer := bouncerOf(eve, eve.Handle)
	here.stopClock(t)
	here.hellos(t)

	get := contest{what: "portal, from zero to first byte", warm: "portal warm, on a new TLS connection",
		ours: func() time.Duration { return here.firstByte(t, portal+"/") },
		bare: func() time.Duration { return here.firstByte(t, "https://"+helloToken+"."+domain+"/") },
	}
	deliver := contest{what: "event to billing at zero, published until done", warm: "event to warm billing, published until done",
		ours: func() time.Duration { return here.delivered(t, "billing", stripeEvent, ofNobody) },
		bare: func() time.Duration { return here.delivered(t, helloPlain, helloEvent, struct{}{}) },
	}
	review := func() time.Duration { return here.refused(t, bouncer, noBouncer) }
	var cold, warm []time.Duration
	for round := range rounds {
		here.awaitZeroBut(t)
		for _, c := range []*contest{&get, &deliver} {
			c.meet(round%2 == 1)
		}
		cold = append(cold, review())
		for range warmEach {
			get.again()
			deliver.again()
			warm = append(warm, review(), review(), review())
		}
	}
	get.note(t)
	deliver.note(t)
	figures.note(t, "admission, the whole refused request: from zero %s of the API server's 10 s (median of %d, slowest %s); warm median %s, p99 %s (of %d)",
		milliseconds(median(cold)), len(cold), milliseconds(quantile(cold, 1)), milliseconds(median(warm)), milliseconds(quantile(warm, 0.99)), len(warm))
}

const stripeEvent = event.StripePrefix + "invoice.paid"

// ofNobody is dealt with by one question to the database.
var ofNobody = event.StripeNotice{Kind: "invoice.paid", Customer: "cus_of_nobody"}

// aim is how much longer than the smallest function ours may take.
const aim = 1.15

// contest is one of our functions against the smallest that there can be.
type contest struct {
	what, warm string // what is measured, at first and then again
	ours, bare func() time.Duration

	first, later struct{ ours, bare []time.Duration }
}

// meet measures both from zero.
func (c *contest) meet(oursFirst bool) {
	if oursFirst {
		c.first.ours = append(c.first.ours, c.ours())
	}
	c.first.bare = append(c.first.bare, c.bare())
	if !oursFirst {
		c.first.ours = append(c.first.ours, c.ours())
	}
}

// again measures both as they are.
func (c *contest) again() {
	c.later.bare = append(c.later.bare, c.bare())
	c.later.ours = append(c.later.ours, c.ours())
}

func (c *contest) note(t *testing.T) {
	t.Helper()
	figures.compare(t, c.what, c.first.ours, c.first.bare)
	figures.compare(t, c.warm, c.later.ours, c.later.bare)
}

// delivered publishes an event and gives the time until the subscriber's log says that it is done.
func (w *world) delivered(t *testing.T, subscriber, kind string, data any) time.Duration {
	t.Helper()
	began := time.Now()
	id := fmt.Sprintf("evt_story_%d", began.UnixNano())
	w.publish(t, kind, id, data)
	done := w.awaitRecord(t, mending, subscriber, began, func(r record) bool { return r.Event == id })
	return done.Time.Sub(began)
}
