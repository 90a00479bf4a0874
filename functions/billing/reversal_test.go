package billing_test

import (
	"slices"
	"testing"

	"irc.now/shared/account"
	"irc.now/shared/event"
)

func dispute(status, subscription string) string {
	return `{"id":"dp_1","object":"dispute","amount":400,"currency":"usd","status":"` + status + `","charge":{"id":"ch_1",
		"object":"charge","customer":"cus_1","invoice":{"id":"in_1","object":"invoice","subscription":"` + subscription + `"}}}`
}

func (w *world) disputed() {
	w.t.Helper()
	w.eventID++
	w.must(w.event("evt_dispute_"+string(rune('a'+w.eventID)), event.StripeNotice{Kind: "charge.dispute.closed", Object: "dispute", ObjectID: "dp_1"}))
}

func (w *world) wantReversal(want account.ReversalStatus) {
	w.t.Helper()
	found, err := w.store.ReversalsOf(w.t.Context(), w.user.ID)
	if err != nil || len(found) != 1 || found[0].Status != want || found[0].Amount != 400 {
		w.t.Errorf("got %+v, %v; want %s", found, err, want)
	}
}

func TestADisputeEndsWhatItPaidOnceItIsLost(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.notice("customer.subscription.created"))
	for _, row := range []struct {
		status string
		want   account.ReversalStatus
	}{{"needs_response", account.Open}, {"a state of tomorrow", account.Open}, {"won", account.Won}} {
		w.stripe.others = map[string]string{"/v1/disputes/dp_1": dispute(row.status, "sub_1")}
		w.disputed()
		w.wantReversal(row.want)
		w.wantPlan(account.Pro, account.Paid)
	}
	// What is paid for by another subscription is not ended.
	w.stripe.others = map[string]string{"/v1/disputes/dp_1": dispute("lost", "sub_other")}
	w.disputed()
	w.wantPlan(account.Pro, account.Paid)
	w.stripe.others = map[string]string{"/v1/disputes/dp_1": dispute("lost", "sub_1")}
	for range 2 { // Stripe tells it twice
		w.disputed()
		w.wantReversal(account.Lost)
		w.wantPlan(account.Free, account.Ended)
	}
	if !slices.Equal(w.stripe.ended, []string{"/v1/subscriptions/sub_1"}) {
		t.Errorf("ended were %v", w.stripe.ended)
	}
	w.wantAnnounced("pro", "free")
}

func TestARefundIsWrittenDownAndEndsNothing(t *testing.T) {
	w := newWorld(t)
	w.stripe.set("active")
	w.must(w.notice("customer.subscription.created"))
	w.stripe.others = map[string]string{"/v1/charges/ch_1": `{"id":"ch_1","object":"charge","amount":400,"amount_refunded":400,
		"refunded":true,"currency":"usd","customer":"cus_1"}`}
	w.must(w.event("evt_refund", event.StripeNotice{Kind: "charge.refunded", Object: "charge", ObjectID: "ch_1", Customer: "cus_1"}))
	w.wantReversal(account.Whole)
	w.wantPlan(account.Pro, account.Paid)
	w.stripe.others = map[string]string{"/v1/charges/ch_2": `{"id":"ch_2","object":"charge","amount_refunded":400,"customer":"cus_stranger"}`}
	w.must(w.event("evt_strange", event.StripeNotice{Kind: "charge.refunded", Object: "charge", ObjectID: "ch_2", Customer: "cus_stranger"}))
	w.wantReversal(account.Whole)
}

func TestADisputeAboutACustomerWhoWasReplacedIsWrittenDown(t *testing.T) {
	w := newWorld(t)
	if _, err := w.store.ReplaceCustomer(t.Context(), w.user.ID, "cus_1", "cus_2"); err != nil {
		t.Fatal(err)
	}
	w.stripe.others = map[string]string{"/v1/disputes/dp_1": dispute("lost", "sub_1")}
	w.disputed()
	w.wantReversal(account.Lost)
	if len(w.stripe.ended) != 0 {
		t.Errorf("ended were %v", w.stripe.ended)
	}
}
