package billing_test

import (
	"slices"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"irc.now/shared/account"
	"irc.now/shared/event"
	"irc.now/shared/fault"
)

// downgraded is a world whose customer lost Pro, with the events of that out of the way.
func downgraded(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.notice("customer.subscription.created"))
	w.stripe.set("canceled")
	w.must(w.notice("customer.subscription.deleted"))
	for range 2 {
		w.taken()
	}
	return w
}

// taken waits for the broker to take an event.
func (w *world) taken() {
	w.t.Helper()
	select {
	case <-w.broker.took:
	case <-w.t.Context().Done():
		w.t.Fatal("the broker never got the event")
	}
}

// keepUntil moves the end of the time after the downgrade.
func (w *world) keepUntil(at time.Time) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), `UPDATE billing SET keep_until = $1`, at); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tick() error {
	w.t.Helper()
	tick := cloudevents.NewEvent()
	tick.SetID("1")
	tick.SetSource("/tick")
	tick.SetType(event.TickType)
	return w.handle(tick)
}

func (w *world) ticks() {
	w.t.Helper()
	if err := w.tick(); err != nil {
		w.t.Fatal(err)
	}
}

// wantWritten compares the types of the outbox's events after the downgrade's own two.
func (w *world) wantWritten(want ...string) {
	w.t.Helper()
	types := []string{}
	for _, e := range w.written()[2:] {
		if e.Subject() != w.user.ID {
			w.t.Errorf("%s is about %s", e.Type(), e.Subject())
		}
		types = append(types, e.Type())
	}
	if !slices.Equal(types, want) {
		w.t.Errorf("written were %v, want %v", types, want)
	}
}

func TestTheEndOfTheGraceIsToldOnce(t *testing.T) {
	w := downgraded(t)
	w.ticks()
	w.wantWritten() // fourteen days are left
	w.keepUntil(time.Now().Add(-time.Second))
	w.ticks()
	w.ticks()
	w.wantWritten(event.GraceEndedType)
	w.taken()
	w.wantPlan(account.Free, account.Ended)
}

func TestASecondDowngradeHasAnEndOfItsOwn(t *testing.T) {
	w := downgraded(t)
	w.keepUntil(time.Now().Add(-2 * time.Hour))
	w.ticks()
	w.keepUntil(time.Now().Add(-time.Hour))
	w.ticks()
	w.wantWritten(event.GraceEndedType, event.GraceEndedType)
}

// Stripe's notice of the payment is late: who pays again must keep what they have.
func TestStripeIsAskedBeforeTheEndIsTold(t *testing.T) {
	w := downgraded(t)
	w.keepUntil(time.Now().Add(-time.Second))
	w.stripe.set("active")
	w.ticks()
	w.wantPlan(account.Pro, account.Paid)
	w.wantWritten(event.PlanChangedType, event.GraceEndedType)
	w.must(w.notice("customer.subscription.created"))
	w.wantWritten(event.PlanChangedType, event.GraceEndedType)
}

// The notice of the loss is late, and the end of an earlier grace finds it.
func TestALossThatShowsOnlyThenHasAGraceOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.notice("customer.subscription.created"))
	w.taken()
	w.keepUntil(time.Now().Add(-time.Second))
	w.stripe.set("canceled")
	w.ticks()
	w.wantPlan(account.Free, account.Ended)
	w.wantAnnounced("pro", "free")
	b, err := w.store.BillingOf(t.Context(), w.user.ID)
	if err != nil || b.GraceOver(time.Now()) || !b.GraceOver(time.Now().Add(account.Grace)) {
		t.Errorf("the grace ends at %v, %v", b.KeepUntil, err)
	}
}

func TestWhileStripeIsAwayNothingEnds(t *testing.T) {
	w := downgraded(t)
	w.keepUntil(time.Now().Add(-time.Second))
	w.stripe.broken = true
	if err := w.tick(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	w.wantWritten()
	w.stripe.broken = false
	w.ticks()
	w.wantWritten(event.GraceEndedType)
}

// While the tick asks Stripe, an event syncs the same customer: its answer is the newer one.
func TestAnEventThatOvertakesTheEndIsNotOverwritten(t *testing.T) {
	w := downgraded(t)
	w.keepUntil(time.Now().Add(-time.Second))
	paid := w.notice("customer.subscription.created")
	w.stripe.before = func() {
		w.stripe.set("active")
		if err := w.handle(paid); err != nil {
			t.Error(err)
		}
	}
	w.ticks()
	w.wantPlan(account.Pro, account.Paid)
	w.wantWritten(event.PlanChangedType)
	w.ticks()
	w.wantPlan(account.Pro, account.Paid)
	w.wantWritten(event.PlanChangedType, event.GraceEndedType)
}

func TestOtherHostingIsAnnouncedToo(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.notice("customer.subscription.created"))
	w.stripe.also = "price_starter"
	w.must(w.notice("customer.subscription.updated"))
	w.wantAnnounced("pro", "pro")
}
