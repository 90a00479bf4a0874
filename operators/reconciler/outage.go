package reconciler

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"irc.now/shared/background"
)

// pingTime is how long the database server may take to answer.
const pingTime = 5 * time.Second

// Outage has a controller look at all its objects when the database server goes away: nothing in the cluster changes
// then, and the status of what runs would go on saying that all is well. Once it is back, what waits for it is looked at
// anyhow. The zero value watches nothing.
type Outage struct {
	Ping  func(ctx context.Context) error
	Every time.Duration // 0 for as often as a server that was away is tried again
}

// source begins to watch when the controller starts, and ends with it.
func (o Outage) source(mgr ctrl.Manager, kind client.Object) source.Source {
	return source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		if o.Ping != nil {
			go o.watch(ctx, mgr.GetLogger(), func() error { return enqueueAll(ctx, mgr, kind, queue) })
		}
		return nil
	})
}

// watch calls tell each time that the server has gone, and again until that works.
func (o Outage) watch(ctx context.Context, log logr.Logger, tell func() error) {
	every := o.Every
	if every <= 0 {
		every = retryDatabase
	}
	told := false
	background.Every(ctx, every, func(ctx context.Context) {
		err := o.ping(ctx)
		if err == nil || told || ctx.Err() != nil {
			told = told && err != nil
			return
		}
		log.Error(err, "the database server has gone")
		if err := tell(); err != nil {
			log.Error(err, "could not look at all that needs the database")
			return
		}
		told = true
	})
}

func (o Outage) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	return o.Ping(ctx)
}

// enqueueAll has every object of the kind looked at.
func enqueueAll(ctx context.Context, mgr ctrl.Manager, kind client.Object, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	gvk, err := mgr.GetClient().GroupVersionKindFor(kind)
	if err != nil {
		return err
	}
	gvk.Kind += "List"
	made, err := mgr.GetScheme().New(gvk)
	if err != nil {
		return err
	}
	list, ok := made.(client.ObjectList)
	if !ok {
		return fmt.Errorf("%s is no list", gvk.Kind)
	}
	if err := mgr.GetClient().List(ctx, list); err != nil {
		return fmt.Errorf("list all %s: %w", gvk.Kind, err)
	}
	return meta.EachListItem(list, func(item runtime.Object) error {
		if object, ok := item.(client.Object); ok {
			queue.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)})
		}
		return nil
	})
}
