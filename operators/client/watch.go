package client

import (
	"context"
	"errors"
	"iter"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
)

// Watch gives the object called name as it is now and again whenever it has changed: nil while there is none. Where
// the API server does not answer it gives the fault instead, tries again, and goes on with the present state; changes
// meanwhile are then seen as one. It ends when ctx does, or the loop over it.
func (k *Kind[T, P]) Watch(ctx context.Context, name string) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		f := &follower[T, P]{kind: k, name: name, yield: yield, pause: pauses()}
		for ctx.Err() == nil {
			began := time.Now()
			err := f.follow(ctx)
			switch {
			case errors.Is(err, errLeft), ctx.Err() != nil:
				return
			case err != nil && !yield(nil, k.fault(err)):
				return
			case err == nil && time.Since(began) > time.Second:
				f.pause = pauses()
			}
			if !sleep(ctx, f.pause.Step()) {
				return
			}
		}
	}
}

// pauses are the times between tries, from a moment to half a minute.
func pauses() wait.Backoff {
	return wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1000, Cap: 30 * time.Second}
}

func sleep(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// errLeft says that the loop over a Watch was left.
var errLeft = errors.New("nobody looks any more")

// follower is one Watch under way.
type follower[T any, P object[T]] struct {
	kind  *Kind[T, P]
	name  string
	yield func(P, error) bool
	pause wait.Backoff

	version string // of the collection, up to which everything was seen; empty to list anew
	told    bool   // whether shown says what was told last
	shown   string // version of the object that was told; empty where there was none
}

// follow lists if need be and then watches until the API server ends the watch, which is no error.
func (f *follower[T, P]) follow(ctx context.Context) error {
	if f.version == "" {
		if err := f.list(ctx); err != nil {
			return err
		}
	}
	changes, err := f.kind.calls.Get().Namespace(f.kind.namespace).Resource(f.kind.resource).
		Param("watch", "true").Param("fieldSelector", f.selector()).Param("allowWatchBookmarks", "true").
		Param("resourceVersion", f.version).MaxRetries(maxRetries).Watch(ctx)
	if err != nil {
		return f.lost(err)
	}
	defer changes.Stop()
	for {
		select {
		case change, open := <-changes.ResultChan():
			if !open {
				return nil
			}
			if err := f.take(change); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *follower[T, P]) selector() string {
	return fields.OneTermEqualSelector("metadata.name", f.name).String()
}

func (f *follower[T, P]) list(ctx context.Context) error {
	all, err := f.kind.list(ctx, "fieldSelector", f.selector())
	if err != nil {
		return err
	}
	f.version = all.ResourceVersion
	if len(all.Items) == 0 {
		return f.show(nil)
	}
	return f.show(&all.Items[0])
}

func (f *follower[T, P]) take(change watch.Event) error {
	if change.Type == watch.Error {
		return f.lost(apierrors.FromObject(change.Object))
	}
	changed, ok := change.Object.(P)
	if !ok {
		return nil // a kind of event that is not about an object
	}
	f.version = changed.GetResourceVersion()
	switch change.Type {
	case watch.Added, watch.Modified:
		return f.show(changed)
	case watch.Deleted:
		return f.show(nil)
	default: // a bookmark, which only says how far we are
		return nil
	}
}

// lost forgets how far we were where the API server has forgotten it too. Then nothing is wrong: the next turn lists.
func (f *follower[T, P]) lost(err error) error {
	if apierrors.IsGone(err) || apierrors.IsResourceExpired(err) {
		f.version = ""
		return nil
	}
	return err
}

// show tells the object unless it was told already.
func (f *follower[T, P]) show(present P) error {
	version := ""
	if present != nil {
		version = present.GetResourceVersion()
	}
	if f.told && f.shown == version {
		return nil
	}
	f.told, f.shown = true, version
	if !f.yield(present, nil) {
		return errLeft
	}
	return nil
}
