package limits

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/fault"
)

// thing is a bouncer or network of one's own, reduced to what counts here.
type thing struct {
	name      string
	version   string // of what was read
	made      time.Time
	suspended bool // by an administrator, which is none of our business
	overPlan  bool // stopped by us
	hosting   account.Hosting
}

// allowance is what a user may have of one kind.
type allowance struct {
	most      int             // how many may run
	hosting   account.Hosting // what networks are hosted under; empty for bouncers
	graceOver bool            // what is above may be stopped, and made smaller
}

// change is what one thing becomes.
type change struct {
	thing

	toOverPlan bool
	toHosting  account.Hosting
}

// word says what the change does, for logs and the metric.
func (c change) word() string {
	switch {
	case c.toOverPlan && !c.overPlan:
		return "stopped"
	case c.overPlan && !c.toOverPlan:
		return "started"
	default:
		return "hosting"
	}
}

// changesFor fits things to what is allowed. Of those that run, the oldest go on and the newest are stopped; where there
// is room, the oldest of the stopped ones start. Those that an administrator suspended take nobody's place. Until the
// grace is over nothing is taken away, but what may run again is started at once.
func changesFor(things []thing, a allowance) (changes []change) {
	slices.SortFunc(things, func(x, y thing) int {
		return cmp.Or(compareBools(x.overPlan, y.overPlan), x.made.Compare(y.made), cmp.Compare(x.name, y.name))
	})
	running := 0
	for _, t := range things {
		to := change{thing: t, toOverPlan: t.overPlan, toHosting: t.hosting}
		if account.Allows(a.most, running) {
			to.toOverPlan = false
			if !t.suspended {
				running++
			}
			// One that starts has to be what admission lets start.
			if a.graceOver || t.overPlan || a.hosting.Better(t.hosting) {
				to.toHosting = a.hosting
			}
		} else if a.graceOver {
			to.toOverPlan = true
		}
		if to.toOverPlan != t.overPlan || to.toHosting != t.hosting {
			changes = append(changes, to)
		}
	}
	return changes
}

// compareBools puts false before true.
func compareBools(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	default:
		return 1
	}
}

// patch is the change as a JSON merge patch of what was read.
func (c change) patch() ([]byte, error) {
	spec := map[string]any{"overPlan": c.toOverPlan}
	if c.toHosting != c.hosting {
		spec["hosting"] = c.toHosting
	}
	return json.Marshal(map[string]any{"metadata": map[string]string{"resourceVersion": c.version}, "spec": spec})
}

// kind is one of the kinds of things.
type kind struct {
	word  string
	list  func(ctx context.Context, owner string) ([]thing, error)
	patch func(ctx context.Context, name string, patch []byte) error
}

func bouncersOf(c *client.Client) kind {
	return kind{word: "bouncer", patch: c.Bouncers().Patch, list: func(ctx context.Context, owner string) (things []thing, err error) {
		all, err := c.Bouncers().List(ctx, owner)
		for i := range all {
			b := &all[i]
			things = appendThing(things, &b.ObjectMeta, thing{suspended: b.Spec.Suspended, overPlan: b.Spec.OverPlan})
		}
		return things, err
	}}
}

func networksOf(c *client.Client) kind {
	return kind{word: "network", patch: c.Networks().Patch, list: func(ctx context.Context, owner string) (things []thing, err error) {
		all, err := c.Networks().List(ctx, owner)
		for i := range all {
			n := &all[i]
			things = appendThing(things, &n.ObjectMeta, thing{
				suspended: n.Spec.Suspended, overPlan: n.Spec.OverPlan, hosting: account.Hosting(n.Spec.Hosting),
			})
		}
		return things, err
	}}
}

// appendThing leaves out what is being deleted: it stops by itself.
func appendThing(things []thing, meta *metav1.ObjectMeta, t thing) []thing {
	if meta.DeletionTimestamp != nil {
		return things
	}
	t.name, t.version, t.made = meta.Name, meta.ResourceVersion, meta.CreationTimestamp.Time
	return append(things, t)
}

// errMoved says that somebody else wrote what was about to be changed: look again.
var errMoved = errors.New("it was changed by somebody else meanwhile")

// fit stops what of the user's is over the plan, and starts what is not any more.
func (f *Function) fit(ctx context.Context, user account.User, graceOver bool) error {
	cluster := f.own.Cluster()
	if cluster == nil {
		return nil
	}
	may := user.Entitlements()
	bouncers := allowance{most: may.DedicatedBouncers, graceOver: graceOver}
	if err := f.fitKind(ctx, bouncersOf(cluster), user, bouncers); err != nil {
		return err
	}
	networks := allowance{most: may.HostedNetworks, hosting: user.Holdings().Hosting, graceOver: graceOver}
	return f.fitKind(ctx, networksOf(cluster), user, networks)
}

func (f *Function) fitKind(ctx context.Context, k kind, user account.User, a allowance) error {
	things, err := k.list(ctx, string(user.Handle))
	if err != nil {
		return err
	}
	for _, c := range changesFor(things, a) {
		patch, err := c.patch()
		if err != nil {
			return err
		}
		err = k.patch(ctx, c.name, patch)
		switch {
		case fault.Is(err, fault.NotFound):
			continue // deleted since
		case fault.Is(err, fault.Conflict):
			return errMoved
		case err != nil:
			return fmt.Errorf("fit %s %s to the plan: %w", k.word, c.name, err)
		}
		f.fitted.WithLabelValues(k.word, c.word()).Inc()
		f.log.InfoContext(ctx, "fitted to the plan", "user", user.ID, k.word, c.name, "change", c.word(),
			"hosting", c.toHosting, "most", a.most)
	}
	return nil
}
