// Package dedicated finds, makes and deletes users' dedicated bouncers: the SojuBouncers of a cluster, each called like
// its owner's handle. What they need to run, the operator sees to.
package dedicated

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// Port is where every dedicated bouncer takes IRC clients, always with TLS.
const Port = 6697

const (
	// findDeadline is how long a page waits for the API server before it is shown without what only that knows.
	findDeadline = 1500 * time.Millisecond
	// restAfterOutage is how long nobody asks an API server that did not answer, so that pages stay quick meanwhile.
	restAfterOutage = 5 * time.Second
	// createDeadline leaves time for admission, which may have to start from zero.
	createDeadline = 14 * time.Second
)

// Config is what [New] needs.
type Config struct {
	Cluster   *client.Client
	Namespace string
	Key       config.Secret // the platform's, which the tokens of bounceradmins are made of
	HTTP      *http.Client  // for calls to bounceradmins; must have a deadline
	Domain    string        // bouncers are at HANDLE.Domain
	Log       *slog.Logger

	Now      func() time.Time // optional
	Patience time.Duration    // optional; how long a page waits for the API server
}

// Bouncers are the dedicated bouncers of a cluster. They are safe for concurrent use.
type Bouncers struct {
	config    Config
	kind      *client.Bouncers
	admins    *client.Dedicated
	restUntil atomic.Int64 // Unix nanoseconds; nobody asks the API server before
}

// New makes Bouncers. It connects to nothing.
func New(c Config) *Bouncers {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Patience == 0 {
		c.Patience = findDeadline
	}
	return &Bouncers{config: c, kind: c.Cluster.Bouncers(), admins: c.Cluster.Dedicated(c.Key, c.HTTP)}
}

// Ready reports whether b serves its owner.
func Ready(b *v1alpha1.SojuBouncer) bool {
	return b != nil && b.DeletionTimestamp == nil && !b.Spec.Stopped() && meta.IsStatusConditionTrue(b.Status.Conditions, v1alpha1.Ready)
}

// Find gives the user's dedicated bouncer; nil where there is none.
func (b *Bouncers) Find(ctx context.Context, handle account.Handle) (*v1alpha1.SojuBouncer, error) {
	if b.config.Now().UnixNano() < b.restUntil.Load() {
		return nil, fault.New(fault.Unavailable, "The cluster that runs the bouncers does not answer at the moment. Please try again in a minute.")
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Patience)
	defer cancel()
	found, err := b.kind.Get(ctx, string(handle))
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, nil // having none is as good an answer as having one
	case err != nil && errors.Is(ctx.Err(), context.Canceled): // the page was closed
		return nil, err
	case err != nil:
		b.config.Log.WarnContext(ctx, "the API server did not tell of a bouncer", "bouncer", string(handle), "error", err)
		b.restUntil.Store(b.config.Now().Add(restAfterOutage).UnixNano())
		return nil, err
	}
	return belonging(found, handle), nil
}

// Watch gives the user's dedicated bouncer as it is now and again whenever it has changed, until ctx ends; nil while there
// is none. Where the API server does not answer it gives the fault, and goes on.
func (b *Bouncers) Watch(ctx context.Context, handle account.Handle) iter.Seq2[*v1alpha1.SojuBouncer, error] {
	return func(yield func(*v1alpha1.SojuBouncer, error) bool) {
		for found, err := range b.kind.Watch(ctx, string(handle)) {
			if !yield(belonging(found, handle), err) {
				return
			}
		}
	}
}

// belonging is nil for a bouncer that only has the name: somebody with a kubectl may call one as they like.
func belonging(b *v1alpha1.SojuBouncer, handle account.Handle) *v1alpha1.SojuBouncer {
	if b == nil || b.Spec.Owner != string(handle) {
		return nil
	}
	return b
}

// Create makes the user's bouncer. What the plan does not allow is refused here, and again by admission: that one holds
// when two pages ask at once.
func (b *Bouncers) Create(ctx context.Context, user account.User) error {
	ctx, cancel := context.WithTimeout(ctx, createDeadline)
	defer cancel()
	limit := user.Entitlements().DedicatedBouncers
	if !account.Allows(limit, 0) {
		return fault.New(fault.OverQuota, "Your plan, %s, has no bouncer of your own. You can go on with the shared one, or choose a plan that has.", user.Plan.Title())
	}
	there, err := b.kind.List(ctx, string(user.Handle))
	if err != nil {
		return err
	}
	if !account.Allows(limit, len(there)) {
		return fault.New(fault.OverQuota, "You have a bouncer of your own already, which is as many as your plan allows.")
	}
	_, err = b.kind.Create(ctx, b.wanted(user))
	return err
}

// wanted is the bouncer that the plan gives. It is not changed when the plan is: functions/limits gives the user a limit
// of upstreams, which soju prefers to the bouncer's, and messages that are kept already are not deleted when a plan ends.
// All plans with dedicated bouncers set the same two numbers, to which a test of shared/account/plan holds them.
func (b *Bouncers) wanted(user account.User) *v1alpha1.SojuBouncer {
	allowed := user.Entitlements()
	return &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{
			Name: string(user.Handle), Namespace: b.config.Namespace, Labels: map[string]string{v1alpha1.LabelOwner: string(user.Handle)},
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

// Delete has the bouncer called name removed, if it is still the one with that uid.
func (b *Bouncers) Delete(ctx context.Context, name string, uid types.UID) error {
	return b.kind.Delete(ctx, name, uid)
}

// Admin is the bounceradmin of the bouncer called name.
func (b *Bouncers) Admin(name string) *bouncer.Admin { return b.admins.Admin(name) }

// Host is where found, the user's bouncer, is; or would be, where it is nil.
func (b *Bouncers) Host(handle account.Handle, found *v1alpha1.SojuBouncer) string {
	if found != nil && found.Status.Host != "" {
		return found.Status.Host
	}
	return string(handle) + "." + b.config.Domain
}
