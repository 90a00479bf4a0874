package portal

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/fault"
)

const (
	// findDeadline is how long a page waits for the API server before it is shown without what only that knows.
	findDeadline = 1500 * time.Millisecond
	// restAfterOutage is how long nobody asks an API server that did not answer, so that pages stay quick meanwhile.
	restAfterOutage = 5 * time.Second
	// createDeadline leaves time for admission, which may have to start from zero.
	createDeadline = 14 * time.Second
)

// ownBouncers are the dedicated bouncers of a cluster, each called like its owner's handle.
type ownBouncers struct {
	*client.Bouncers

	dedicated *client.Dedicated
	namespace string
	domain    string
	log       *slog.Logger
	now       func() time.Time
	patience  time.Duration // how long a page waits for the API server
	restUntil atomic.Int64  // Unix nanoseconds; nobody asks the API server before
}

func newOwnBouncers(settings Settings, d dependencies) *ownBouncers {
	return &ownBouncers{
		Bouncers: d.cluster.Bouncers(), dedicated: d.cluster.Dedicated(settings.Bouncer.PlatformKey, d.bouncer),
		namespace: settings.Cluster.Namespace, domain: settings.LandingURL.Parsed().Hostname(), log: d.log,
		now: time.Now, patience: findDeadline,
	}
}

// find gives the user's own bouncer; nil where there is none.
func (o *ownBouncers) find(ctx context.Context, handle account.Handle) (*v1alpha1.SojuBouncer, error) {
	if o.now().UnixNano() < o.restUntil.Load() {
		return nil, fault.New(fault.Unavailable, "The cluster that runs the bouncers does not answer at the moment. Please try again in a minute.")
	}
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	found, err := o.Get(ctx, string(handle))
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, nil //nolint:nilnil // having none is as good an answer as having one
	case err != nil && errors.Is(ctx.Err(), context.Canceled): // the page was closed
		return nil, err
	case err != nil:
		o.log.WarnContext(ctx, "the API server did not tell of a bouncer", "bouncer", string(handle), "error", err)
		o.restUntil.Store(o.now().Add(restAfterOutage).UnixNano())
		return nil, err
	}
	return belonging(found, handle), nil
}

// belonging is nil for a bouncer that only has the name: somebody with a kubectl may call one as they like.
func belonging(b *v1alpha1.SojuBouncer, handle account.Handle) *v1alpha1.SojuBouncer {
	if b == nil || b.Spec.Owner != string(handle) {
		return nil
	}
	return b
}

// create makes the user's bouncer. What the plan does not allow is refused here, and again by admission: that one holds
// when two pages ask at once.
func (o *ownBouncers) create(ctx context.Context, user account.User) error {
	ctx, cancel := context.WithTimeout(ctx, createDeadline)
	defer cancel()
	limit := user.Entitlements().DedicatedBouncers
	if !account.Allows(limit, 0) {
		return fault.New(fault.OverQuota, "Your plan, %s, has no bouncer of your own. You can go on with the shared one, or choose a plan that has.", user.Plan.Title())
	}
	there, err := o.List(ctx, string(user.Handle))
	if err != nil {
		return err
	}
	if !account.Allows(limit, len(there)) {
		return fault.New(fault.OverQuota, "You have a bouncer of your own already, which is as many as your plan allows.")
	}
	_, err = o.Create(ctx, o.wanted(user))
	return err
}

// wanted is the bouncer that the plan gives. It is not changed when the plan is: functions/limits gives the user a limit
// of networks, which soju prefers to the bouncer's, and messages that are kept already are not deleted when a plan ends.
// All plans with bouncers of their own set the same two numbers, to which a test of shared/account/plan holds them.
func (o *ownBouncers) wanted(user account.User) *v1alpha1.SojuBouncer {
	allowed := user.Entitlements()
	return &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{
			Name: string(user.Handle), Namespace: o.namespace, Labels: map[string]string{v1alpha1.LabelOwner: string(user.Handle)},
		},
		Spec: v1alpha1.SojuBouncerSpec{
			Owner: string(user.Handle), Role: v1alpha1.RoleDedicated,
			MaxUserNetworks:   max(int32(allowed.UpstreamNetworks), 0), //nolint:gosec // a number of a plan; Unlimited is soju's 0
			MessageExpiryDays: expiryDays(allowed.Scrollback),
		},
	}
}

// expiryDays is the scrollback in soju's days, a part of one rounded up; 0 keeps messages for ever.
func expiryDays(scrollback time.Duration) int32 {
	if scrollback == account.Forever {
		return 0
	}
	return max(int32(math.Ceil(scrollback.Hours()/24)), 1)
}

// host is where b is, or will be.
func (o *ownBouncers) host(handle account.Handle, b *v1alpha1.SojuBouncer) string {
	if b != nil && b.Status.Host != "" {
		return b.Status.Host
	}
	return string(handle) + "." + o.domain
}
