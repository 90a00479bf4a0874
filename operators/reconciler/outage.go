package reconciler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"irc.now/shared/background"
)

// pingTime is how long the database server may take to answer.
const pingTime = 5 * time.Second

// Outage has controllers look at all their objects when the database server goes away: nothing in the cluster changes
// then, and the status of what runs would go on saying that all is well. Once it is back, what waits for it is looked at
// anyhow. One serves all controllers of a manager, of which it is a Runnable; a nil Outage watches nothing.
type Outage struct {
	Ping  func(ctx context.Context) error
	Every time.Duration // 0 for as often as a server that was away is tried again

	mu        sync.Mutex
	listeners []func() error
}

// source has every object of the kind looked at when the server goes away, once the controller has started.
func (o *Outage) source(mgr ctrl.Manager, kind client.Object) source.Source {
	return source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		if o != nil {
			o.listen(func() error { return enqueueAll(ctx, mgr, kind, queue) })
		}
		return nil
	})
}

func (o *Outage) listen(told func() error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.listeners = append(o.listeners, told)
}

// tell tells all listeners, whatever becomes of the others.
func (o *Outage) tell() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var failed []error
	for _, told := range o.listeners {
		failed = append(failed, told())
	}
	return errors.Join(failed...)
}

// NeedLeaderElection ties it to the controllers.
func (o *Outage) NeedLeaderElection() bool { return true }

// Start tells each time that the server has gone, and again until that works, until ctx ends.
func (o *Outage) Start(ctx context.Context) error {
	logger := log.FromContext(ctx)
	told := false
	background.Every(ctx, cmp.Or(o.Every, retryDatabase), func(ctx context.Context) {
		err := o.ping(ctx)
		if err == nil || told || ctx.Err() != nil {
			told = told && err != nil
			return
		}
		logger.Error(err, "the database server has gone")
		if err := o.tell(); err != nil {
			logger.Error(err, "could not look at all that needs the database")
			return
		}
		told = true
	})
	return nil
}

func (o *Outage) ping(ctx context.Context) error {
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
