package limits

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client"
	"irc.now/shared/account"
	"irc.now/shared/fault"
)

// kind is one of the kinds of resources.
type kind struct {
	word  string
	list  func(ctx context.Context, owner string) ([]resource, error)
	patch func(ctx context.Context, name string, patch []byte) error
}

func bouncersOf(c *client.Client) kind {
	return kind{word: "bouncer", patch: c.Bouncers().Patch, list: func(ctx context.Context, owner string) (all []resource, err error) {
		bouncers, err := c.Bouncers().List(ctx, owner)
		for i := range bouncers {
			b := &bouncers[i]
			all = appendResource(all, &b.ObjectMeta, resource{suspended: b.Spec.Suspended, overPlan: b.Spec.OverPlan})
		}
		return all, err
	}}
}

func networksOf(c *client.Client) kind {
	return kind{word: "network", patch: c.Networks().Patch, list: func(ctx context.Context, owner string) (all []resource, err error) {
		networks, err := c.Networks().List(ctx, owner)
		for i := range networks {
			n := &networks[i]
			all = appendResource(all, &n.ObjectMeta, resource{suspended: n.Spec.Suspended, overPlan: n.Spec.OverPlan, size: sizeOf(n)})
		}
		return all, err
	}}
}

// appendResource leaves out what is being deleted: it stops by itself.
func appendResource(all []resource, meta *metav1.ObjectMeta, r resource) []resource {
	if meta.DeletionTimestamp != nil {
		return all
	}
	r.name, r.version, r.made = meta.Name, meta.ResourceVersion, meta.CreationTimestamp.Time
	return append(all, r)
}

func sizeOf(n *v1alpha1.ErgoNetwork) size {
	s := size{
		planned: number(n.Annotations[v1alpha1.AnnotationPlanClients]), chosen: number(n.Annotations[v1alpha1.AnnotationChosenClients]),
		hosting: n.Spec.Hosting,
	}
	if n.Spec.MaxClients != nil {
		s.maxClients = int(*n.Spec.MaxClients)
	}
	return s
}

// number takes an annotation that makes no sense, which anybody may write, for none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// patch is the change as a JSON merge patch of what was read.
func (c change) patch() ([]byte, error) {
	metadata, spec := map[string]any{"resourceVersion": c.version}, map[string]any{"overPlan": c.toOverPlan}
	if c.toSize != c.size {
		metadata["annotations"] = map[string]any{
			v1alpha1.AnnotationPlanClients: annotation(c.toSize.planned), v1alpha1.AnnotationChosenClients: annotation(c.toSize.chosen),
		}
		spec["maxClients"], spec["hosting"] = orNull(c.toSize.maxClients), orNull(c.toSize.hosting)
	}
	return json.Marshal(map[string]any{"metadata": metadata, "spec": spec})
}

func annotation(n int) any {
	if n == 0 {
		return nil
	}
	return strconv.Itoa(n)
}

// orNull is nil, which removes a field, for the zero value.
func orNull[T comparable](value T) any {
	var zero T
	if value == zero {
		return nil
	}
	return value
}

// errConflict says that somebody else wrote what was about to be changed: read it again.
var errConflict = errors.New("it was changed by somebody else meanwhile")

// fit stops what of the user's is over the plan, and starts what is not any more.
func (f *Function) fit(ctx context.Context, user account.User, l limits) error {
	cluster := f.dedicated.Cluster()
	if cluster == nil {
		return nil
	}
	bouncers := allowance{most: l.DedicatedBouncers, graceOver: l.graceOver}
	if err := f.fitKind(ctx, bouncersOf(cluster), user, bouncers); err != nil {
		return err
	}
	networks := allowance{most: l.HostedNetworks, clients: l.NetworkUsers, hosting: l.hosting, graceOver: l.graceOver}
	return f.fitKind(ctx, networksOf(cluster), user, networks)
}

func (f *Function) fitKind(ctx context.Context, k kind, user account.User, a allowance) error {
	resources, err := k.list(ctx, string(user.Handle))
	if err != nil {
		return err
	}
	for _, c := range changesFor(resources, a) {
		patch, err := c.patch()
		if err != nil {
			return err
		}
		err = k.patch(ctx, c.name, patch)
		switch {
		case fault.Is(err, fault.NotFound):
			continue // deleted since
		case fault.Is(err, fault.Conflict):
			return errConflict
		case err != nil:
			return fmt.Errorf("fit %s %s to the plan: %w", k.word, c.name, err)
		}
		f.fitted.WithLabelValues(k.word, c.word()).Inc()
		f.log.InfoContext(ctx, "fitted to the plan", "user", user.ID, k.word, c.name, "change", c.word(),
			"clients", c.toSize.clients(), "most", a.most)
	}
	return nil
}
