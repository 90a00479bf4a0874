package bouncer

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/functions/portal/dedicated"
	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
	"irc.now/shared/fault"
)

// view is the live part of a user's dedicated bouncer.
type view struct {
	Known   bool   // false while the API server does not tell
	State   string // of the status dot
	Word    string
	Text    string
	Ends    *dedicated.End // why it will be stopped; nil where it will not
	Parts   []partView     // only while it is on its way
	Host    string         // empty where the address says nothing yet
	Port    int
	Chat    string // address of web chat; empty until it can be reached
	Look    bool   // the page has more to show when it is loaded again
	Removed bool
}

// partView is one of what has to be there before the bouncer is ready.
type partView struct{ Name, State, Word, Text string }

// parts are the conditions in the order in which they become true, by their names for people.
var parts = []struct{ condition, name string }{
	{v1alpha1.DatabaseReady, "Database"},
	{v1alpha1.CertificateReady, "Certificate"},
	{v1alpha1.WorkloadReady, "Bouncer"},
	{v1alpha1.Exposed, "Address"},
}

// inWords puts people's words in the place of conditions' names.
var inWords = strings.NewReplacer(
	v1alpha1.DatabaseReady, "the database", v1alpha1.CertificateReady, "the certificate",
	v1alpha1.WorkloadReady, "the bouncer itself", v1alpha1.Exposed, "the address",
)

// unknownView is the live part while the API server does not answer.
func unknownView(err error) *view {
	return &view{State: "bad", Word: "Not known", Text: fault.Sentence(err)}
}

// removedView is the live part once the bouncer is gone.
func removedView() *view {
	return &view{
		Known: true, Removed: true, Look: true, State: "off", Word: "None",
		Text: "You have no bouncer of your own any more, so you are on the shared one.",
	}
}

func (a *Area) viewOf(b *v1alpha1.SojuBouncer, covered dedicated.Coverage) *view {
	shown := &view{Known: true, Host: a.Bouncers.Host(account.Handle(b.Spec.Owner), b), Port: dedicated.Port, Ends: covered.EndOf(b)}
	shown.State, shown.Word, shown.Text = stateOf(b, covered)
	if b.DeletionTimestamp != nil {
		shown.Host = ""
		return shown
	}
	if !b.Spec.Stopped() && !dedicated.Ready(b) {
		shown.Parts = partsOf(b)
	}
	if dedicated.Ready(b) && meta.IsStatusConditionTrue(b.Status.Conditions, v1alpha1.Exposed) {
		shown.Chat = "https://" + shown.Host + "/"
	}
	return shown
}

// stateOf sums a bouncer up: a dot, a word and a sentence.
func stateOf(b *v1alpha1.SojuBouncer, covered dedicated.Coverage) (state, word, text string) {
	said := messageOf(b, v1alpha1.Ready)
	stalled := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.Stalled)
	switch {
	case b.DeletionTimestamp != nil:
		return "busy", "Being deleted", or(messageOf(b, v1alpha1.Stalled), "Its connections are closed, and its database is put aside.")
	case b.Spec.Suspended:
		return "off", "Suspended", "It is stopped and on no network. Its database, its address and its certificate are kept. Our support tells you why, and starts it again."
	case b.Spec.OverPlan && covered.Allowed:
		return "busy", "Stopped", "Your plan has a bouncer of your own again, so it starts in a moment."
	case b.Spec.OverPlan:
		return "off", "Stopped", "It is on no network, because your plan, " + covered.Plan + ", has no bouncer of your own. Everything in it is kept, and so is its address. Until it starts again, you are on the shared bouncer."
	case stalled != nil && stalled.Status == metav1.ConditionTrue:
		return "bad", "Needs attention", or(inWords.Replace(stalled.Message), "Somebody has to look at it. Our support can.")
	case b.Status.ObservedGeneration < 1: // -1 by the schema
		return "busy", "Being set up", "It was asked for, and the cluster begins with it in a moment."
	case dedicated.Ready(b):
		return "ok", "Ready", "It is up, and keeps you on your networks day and night."
	default:
		return "busy", "Being set up", or(said, "The cluster is at work on it.")
	}
}

func partsOf(b *v1alpha1.SojuBouncer) []partView {
	views := make([]partView, 0, len(parts))
	for _, part := range parts {
		view := partView{Name: part.name, State: "off", Word: "Not begun"}
		condition := meta.FindStatusCondition(b.Status.Conditions, part.condition)
		switch {
		case condition == nil:
		case condition.Status == metav1.ConditionTrue:
			view.State, view.Word = "ok", "Done"
		case condition.Status == metav1.ConditionUnknown:
			view.Word = "Not known"
		default:
			view.State, view.Word, view.Text = "busy", "Not yet", inWords.Replace(condition.Message)
		}
		views = append(views, view)
	}
	return views
}

func messageOf(b *v1alpha1.SojuBouncer, condition string) string {
	found := meta.FindStatusCondition(b.Status.Conditions, condition)
	if found == nil {
		return ""
	}
	return inWords.Replace(found.Message)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
