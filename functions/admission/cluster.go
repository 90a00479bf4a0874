package admission

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/client"
)

// cluster is what is there already.
type cluster interface {
	// list gives what the user called owner has of a kind, as it is at this moment: from no cache that could lag
	// behind what was let in a moment ago.
	list(ctx context.Context, kind, owner string) ([]present, error)
}

// present is an object in the cluster.
type present struct {
	name     string
	running  bool // not stopped, by whomever
	deleting bool
}

// live is the cluster itself.
type live struct{ api *client.Client }

func (l live) list(ctx context.Context, kind, owner string) ([]present, error) {
	var all []present
	add := func(meta metav1.ObjectMeta, stopped bool) {
		all = append(all, present{name: meta.Name, running: !stopped, deleting: meta.DeletionTimestamp != nil})
	}
	if kind == bouncerKind {
		bouncers, err := l.api.Bouncers().List(ctx, owner)
		for i := range bouncers {
			add(bouncers[i].ObjectMeta, bouncers[i].Spec.Stopped())
		}
		return all, err
	}
	networks, err := l.api.Networks().List(ctx, owner)
	for i := range networks {
		add(networks[i].ObjectMeta, networks[i].Spec.Stopped())
	}
	return all, err
}
