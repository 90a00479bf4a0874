package reconciler

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
)

// pass collects what one reconciliation finds out, and turns it into conditions.
type pass struct {
	status     *v1alpha1.Status
	generation int64
	version    string
	now        time.Time
	again      time.Duration // until the next look; 0 for none

	parts []string            // condition types, in order
	said  map[string]*outcome // what those that are not true say
	left  *outcome            // why nothing was done at all
}

func (c *Controller[T]) begin(object T) *pass {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	status := object.GetStatus()
	return &pass{
		status: status, generation: object.GetGeneration(), version: c.Version, now: now(),
		said: map[string]*outcome{},
	}
}

// newer reports whether a newer operator than own wrote the status, and then says so.
func (p *pass) newer(own string) bool {
	theirs, known := releaseOf(p.status.OperatorVersion)
	if !known {
		return false
	}
	ours, known := releaseOf(own)
	if !known || !ours.olderThan(theirs) {
		return false
	}
	p.left = &outcome{kind: stalled, reason: naming.NewerVersion, message: fmt.Sprintf(
		"Version %s of the operator looked after this before. Version %s, which runs now, leaves everything as it is until it is updated.",
		p.status.OperatorVersion, own)}
	return true
}

func (p *pass) missing(needs []string) string {
	for _, condition := range needs {
		if p.said[condition] != nil {
			return condition
		}
	}
	return ""
}

func (p *pass) waitsFor(condition, missing string) {
	p.parts = append(p.parts, condition)
	p.said[condition] = &outcome{kind: p.said[missing].kind, reason: naming.WaitsForOther, message: fmt.Sprintf("This waits for %s.", missing)}
	p.set(condition, metav1.ConditionFalse, naming.WaitsForOther, p.said[condition].message)
}

// record reports whether err is one to retry.
func (p *pass) record(condition string, done Done, err error) bool {
	p.parts = append(p.parts, condition)
	if err == nil {
		p.set(condition, metav1.ConditionTrue, done.Reason, done.Message)
		return false
	}
	o, known := outcomeOf(err)
	if !known {
		o = &outcome{kind: waiting, reason: naming.Failed, message: "Something went wrong at our end; the operator tries again."}
	}
	if o.after > 0 && (p.again == 0 || o.after < p.again) {
		p.again = o.after
	}
	p.said[condition] = o
	p.set(condition, metav1.ConditionFalse, o.reason, o.message)
	return !known
}

// summarise sets Ready, and Reconciling and Stalled as kstatus reads them.
func (p *pass) summarise() {
	if p.left != nil {
		// The conditions of the newer operator stand; only that nobody acts on the object is said.
		p.only(v1alpha1.Stalled, p.left)
		return
	}
	p.status.ObservedGeneration = p.generation
	p.status.OperatorVersion = p.version
	worst := p.worst()
	if worst == nil {
		p.set(v1alpha1.Ready, metav1.ConditionTrue, naming.AllReady, "Everything is up.")
		p.only("", nil)
		return
	}
	p.set(v1alpha1.Ready, metav1.ConditionFalse, worst.reason, worst.message)
	switch worst.kind {
	case stalled:
		p.only(v1alpha1.Stalled, worst)
	case waiting:
		p.only(v1alpha1.Reconciling, worst)
	default:
		p.only("", nil)
	}
}

// worst is the first thing that somebody has to act on, else the first that is waited for, else what is off. What only
// waits for another condition is never the reason.
func (p *pass) worst() *outcome {
	for _, wanted := range []kind{stalled, waiting, off} {
		for _, condition := range p.parts {
			if o := p.said[condition]; o != nil && o.kind == wanted && o.reason != naming.WaitsForOther {
				return o
			}
		}
	}
	return nil
}

// only keeps one of Reconciling and Stalled, or none.
func (p *pass) only(condition string, o *outcome) {
	for _, other := range []string{v1alpha1.Reconciling, v1alpha1.Stalled} {
		if other != condition {
			meta.RemoveStatusCondition(&p.status.Conditions, other)
		}
	}
	if condition != "" {
		p.set(condition, metav1.ConditionTrue, o.reason, o.message)
	}
}

// What the API server takes of a condition's message and of an event's note, in bytes.
const (
	longestMessage = 32768
	longestNote    = 1024
)

// cut shortens what is longer than most bytes, and leaves no half letter.
func cut(text string, most int) string { return strings.ToValidUTF8(text[:min(len(text), most)], "") }

// set writes a condition.
func (p *pass) set(condition string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&p.status.Conditions, metav1.Condition{
		Type: condition, Status: status, Reason: reason, Message: cut(message, longestMessage),
		ObservedGeneration: p.generation, LastTransitionTime: metav1.NewTime(p.now),
	})
}

// patch writes the status if it changed, and tells in events what turned. It reports whether the object was another by
// then: a pass that began with what the cache had before our last write would write that again, and tell it twice.
func (c *Controller[T]) patch(ctx context.Context, before, after T) (stale bool, err error) {
	if equality.Semantic.DeepEqual(before.GetStatus(), after.GetStatus()) {
		return false, nil
	}
	err = c.Client.Status().Patch(ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	switch {
	case apierrors.IsConflict(err):
		return true, nil
	case apierrors.IsNotFound(err):
		return false, nil // it went while we worked
	case err != nil:
		return false, fmt.Errorf("write the status: %w", err)
	}
	c.tell(before, after)
	return false, nil
}

func (c *Controller[T]) tell(before, after T) {
	for _, condition := range after.GetStatus().Conditions {
		was := meta.FindStatusCondition(before.GetStatus().Conditions, condition.Type)
		if was != nil && was.Status == condition.Status && was.Reason == condition.Reason {
			continue
		}
		if condition.Type == v1alpha1.Reconciling || condition.Reason == naming.WaitsForOther {
			continue // others say it
		}
		if was == nil && condition.Status == metav1.ConditionFalse && condition.Reason != naming.Failed {
			continue // everything begins with waiting
		}
		kind := "Normal"
		if condition.Type == v1alpha1.Stalled || condition.Reason == naming.Failed {
			kind = "Warning"
		}
		c.Events.Eventf(after, nil, kind, condition.Reason, condition.Type, "%s", cut(condition.Message, longestNote))
	}
}
