package operatortest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// Writes lists requests that change something, and can let one fail.
type Writes struct {
	mu      sync.Mutex
	list    []string
	left    int   // writes until one fails; 0 for none
	failure error // what that one says
}

// FailAt lets the nth write from now fail, and reports whether the one asked for before is still to come.
func (w *Writes) FailAt(n int, failure error) (pending bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pending = w.left > 0
	w.left, w.failure = n, failure
	return pending
}

// Take gives the writes since the last call.
func (w *Writes) Take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list = nil
	return list
}

func (w *Writes) add(what string, object any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left > 0 {
		if w.left--; w.left == 0 {
			return w.failure
		}
	}
	name := fmt.Sprintf("%T", object)
	if o, ok := object.(client.Object); ok {
		name += " " + o.GetName()
	} else if text, err := json.Marshal(object); err == nil {
		name = string(text)
	}
	w.list = append(w.list, what+" "+name)
	return nil
}

// Client is c with its writes listed.
func (w *Writes) Client(c client.WithWatch) client.Client {
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if err := w.add("create", o); err != nil {
				return err
			}
			return c.Create(ctx, o, options...)
		},
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			if err := w.add("apply", o); err != nil {
				return err
			}
			return c.Apply(ctx, o, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
			if err := w.add("patch", o); err != nil {
				return err
			}
			return c.Patch(ctx, o, p, options...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.DeleteOption) error {
			if err := w.add("delete", o); err != nil {
				return err
			}
			return c.Delete(ctx, o, options...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, options ...client.SubResourcePatchOption) error {
			if err := w.add("patch "+sub, o); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, options...)
		},
	})
}

// WantCondition checks the condition called kind, and that its message has the words.
func WantCondition(t testing.TB, all []metav1.Condition, kind string, status metav1.ConditionStatus, reason string, words ...string) {
	t.Helper()
	condition := meta.FindStatusCondition(all, kind)
	if condition == nil {
		t.Fatalf("there is no condition %s in %+v", kind, all)
	}
	if condition.Status != status || condition.Reason != reason {
		t.Errorf("%s is %s/%s (%s), want %s/%s", kind, condition.Status, condition.Reason, condition.Message, status, reason)
	}
	for _, word := range words {
		if !strings.Contains(condition.Message, word) {
			t.Errorf("%s says %q, without %q", kind, condition.Message, word)
		}
	}
}
