package stripe_test

import (
	"slices"
	"testing"

	"irc.now/shared/account"
)

// objectOfEvent is the id of the object that the newest event of a kind is about.
func (s *shop) objectOfEvent(kind string) string {
	s.t.Helper()
	s.allSent()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, got := range slices.Backward(s.types) {
		if got == kind {
			return s.objects[i]
		}
	}
	s.t.Fatalf("no %s in %v", kind, s.types)
	return ""
}

func TestRefundsAreAskedFor(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	subscription := s.state().Subscription
	for _, row := range []struct {
		action string
		amount int64
		status account.ReversalStatus
	}{{"refund-part", 100, account.Part}, {"refund", 400, account.Whole}} {
		s.portal(row.action)
		r, found, err := s.client.Refund(t.Context(), s.objectOfEvent("charge.refunded"))
		if err != nil || !found || r.Kind != account.Refund || r.Amount != row.amount || r.Status != row.status ||
			r.CustomerID != s.customer || r.Subscription != subscription {
			t.Errorf("%s: %+v, %t, %v", row.action, r, found, err)
		}
	}
	if _, found, err := s.client.Refund(t.Context(), "ch_stranger"); found || err != nil {
		t.Errorf("a charge of nobody's: %t, %v", found, err)
	}
	s.wantHoldings(account.Holdings{Plan: account.Pro})
}

func TestADisputeIsAskedForAndWhatItPaidEnds(t *testing.T) {
	s := newShop(t, "")
	s.buyPro()
	pro := s.state().Subscription
	for _, row := range []struct {
		action, event string
		status        account.ReversalStatus
	}{{"dispute", "charge.dispute.created", account.Open}, {"dispute-lost", "charge.dispute.closed", account.Lost}} {
		s.portal(row.action)
		r, found, err := s.client.Dispute(t.Context(), s.objectOfEvent(row.event))
		if err != nil || !found || r.Kind != account.Dispute || r.Amount != 400 || r.Status != row.status ||
			r.CustomerID != s.customer || r.Subscription != pro {
			t.Errorf("%s: %+v, %t, %v", row.action, r, found, err)
		}
	}
	s.subscribe("price_log")
	advice := s.subscribe("price_advice")
	for _, row := range []struct {
		subscription string
		ended        bool
	}{{pro, true}, {pro, false}, {advice.ID, false}, {"sub_stranger", false}} {
		if ended, err := s.client.End(t.Context(), s.customer, row.subscription); err != nil || ended != row.ended {
			t.Errorf("%s: %t, %v", row.subscription, ended, err)
		}
	}
	s.wantHoldings(account.Holdings{LogSearch: true})
	if got := s.subscription(advice.ID); got.Status != "active" {
		t.Errorf("what is none of ours is %s", got.Status)
	}
}
