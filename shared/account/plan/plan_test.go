package plan

import "testing"

// A bouncer of one's own keeps the limits that it was made with when its owner goes from one plan to another: only its
// user is told the new limit of networks, and nobody tells it how long to keep messages.
func TestEveryPlanWithABouncerOfOnesOwnLimitsItAlike(t *testing.T) {
	with := 0
	for name, may := range entitlements {
		if may.DedicatedBouncers == 0 {
			continue
		}
		with++
		if may.UpstreamNetworks != Unlimited || may.Scrollback != Forever {
			t.Errorf("%s limits it to %d networks and %s: functions/limits must change the SojuBouncer then", name, may.UpstreamNetworks, may.Scrollback)
		}
	}
	if with == 0 {
		t.Error("no plan has one")
	}
}
