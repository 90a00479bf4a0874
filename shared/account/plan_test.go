package account_test

import (
	"testing"
	"time"

	"irc.now/shared/account"
)

func TestEntitlementsFollowThePlan(t *testing.T) {
	free, pro := account.EntitlementsFor(account.Free), account.EntitlementsFor(account.Pro)
	if free.UpstreamNetworks != 1 || free.Scrollback != 48*time.Hour || free.DedicatedBouncers != 0 || free.Networks {
		t.Errorf("free: %+v", free)
	}
	if pro.UpstreamNetworks != account.Unlimited || pro.Scrollback != account.Forever || pro.DedicatedBouncers != 1 {
		t.Errorf("pro: %+v", pro)
	}
	if got := account.EntitlementsFor("platinum"); got != free {
		t.Errorf("an unknown plan allows more than free: %+v", got)
	}
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		limit, have int
		want        bool
	}{{1, 0, true}, {1, 1, false}, {0, 0, false}, {account.Unlimited, 1000, true}} {
		if got := account.Allows(c.limit, c.have); got != c.want {
			t.Errorf("Allows(%d, %d) = %v", c.limit, c.have, got)
		}
	}
}
