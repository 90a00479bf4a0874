package portal

import (
	"context"
	"time"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

// coverage says whether a user's plan has a bouncer of one's own, and what becomes of one that is there if it has none.
type coverage struct {
	may       bool
	plan      string
	keepUntil *time.Time // until when one that is there runs on; nil where no downgrade said so
}

func coverageOf(user account.User, billing account.Billing) coverage {
	may := account.Allows(user.Entitlements().DedicatedBouncers, 0)
	return coverage{may: may, plan: user.Plan.Title(), keepUntil: billing.KeepUntil}
}

func (p *portal) coverage(ctx context.Context, user account.User) (coverage, error) {
	billing, err := p.accounts.BillingOf(ctx, user.ID)
	return coverageOf(user, billing), err
}

// endView says that a bouncer that runs will be stopped, and when.
type endView struct {
	Plan  string
	Until *time.Time // nil where it may happen at any moment
}

// endOf is nil where b is stopped already, or runs on.
func (c coverage) endOf(b *v1alpha1.SojuBouncer) *endView {
	switch {
	case c.may || c.keepUntil == nil || b.Spec.Stopped() || b.DeletionTimestamp != nil:
		return nil
	case time.Now().Before(*c.keepUntil):
		return &endView{c.plan, c.keepUntil}
	default:
		return &endView{c.plan, nil}
	}
}

// leftView is what a downgrade left of a bouncer of one's own, for the page on which the plan is bought again.
type leftView struct {
	Ends    *endView
	Stopped bool
}

// leftOf is nil where there is nothing left, or the cluster does not tell.
func (p *portal) leftOf(ctx context.Context, user account.User, billing account.Billing) *leftView {
	pays := coverageOf(user, billing)
	if p.own == nil || pays.may {
		return nil
	}
	own, err := p.own.find(ctx, user.Handle)
	if err != nil || own == nil {
		return nil
	}
	left := &leftView{Ends: pays.endOf(own), Stopped: own.Spec.OverPlan && own.DeletionTimestamp == nil}
	if left.Ends == nil && !left.Stopped {
		return nil
	}
	return left
}
