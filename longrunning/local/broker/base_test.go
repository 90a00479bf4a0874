package broker

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"irc.now/knative"
	"irc.now/shared/event"
)

func TestTheClustersManifestsAreUnderstood(t *testing.T) {
	got, err := Load(knative.Base())
	if err != nil {
		t.Fatal(err)
	}
	for _, trigger := range got.Triggers {
		// A function's folder has the name of its Knative Service.
		name := trigger.Spec.Subscriber.Ref.Name
		if _, err := os.Stat(filepath.Join("../../../functions", name, "cmd")); err != nil {
			t.Errorf("trigger %s: its subscriber is not a function of ours: %v", trigger.Metadata.Name, err)
		}
		if d := trigger.Spec.Delivery; d != nil && d.DeadLetterSink != nil {
			if _, err := os.Stat(filepath.Join("../../../functions", d.DeadLetterSink.Ref.Name, "cmd")); err != nil {
				t.Errorf("trigger %s: its dead-letter sink is not a function of ours: %v", trigger.Metadata.Name, err)
			}
		}
	}
}

func TestTheClustersTriggersRouteWhatIsSent(t *testing.T) {
	manifests, err := Load(knative.Base())
	if err != nil {
		t.Fatal(err)
	}
	notice, err := event.New(event.SourceStripe(""), event.StripeNotice{Kind: "invoice.paid", Customer: "cus_1"})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := event.New(event.SourceAccounts, event.PlanChanged{
		Account: "0c2d6f6e-5b0e-4c55-9d6f-0f6f3f1f2a10", From: "pro", To: "free",
	})
	if err != nil {
		t.Fatal(err)
	}
	ended, err := event.New(event.SourceAccounts, event.GraceEnded{Account: "0c2d6f6e-5b0e-4c55-9d6f-0f6f3f1f2a10"})
	if err != nil {
		t.Fatal(err)
	}
	tick := notice.Clone()
	tick.SetType(event.TickType)
	tick.SetSource("/apis/v1/namespaces/irc-now/pingsources/every-minute")
	otherTick := tick.Clone()
	otherTick.SetSource("/apis/v1/namespaces/irc-now/pingsources/nightly")
	for name, c := range map[string]struct {
		event event.Event
		want  []string
	}{
		"a notice of Stripe's": {notice, []string{"billing"}},
		"a changed plan":       {changed, []string{"limits"}},
		"the end of a grace":   {ended, []string{"limits"}},
		"a tick":               {tick, []string{"billing-tick", "outbox-tick", "revoke-tick"}},
		"another tick":         {otherTick, nil},
	} {
		var takers []string
		for _, trigger := range manifests.Triggers {
			if trigger.takes(c.event) {
				takers = append(takers, trigger.Metadata.Name)
			}
		}
		slices.Sort(takers)
		if !slices.Equal(takers, c.want) {
			t.Errorf("%s goes to %q, want %q", name, takers, c.want)
		}
	}
}

func TestStripesEventsOutlastARestart(t *testing.T) {
	manifests, err := Load(knative.Base())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(manifests.Triggers, func(t TriggerManifest) bool { return t.Metadata.Name == "billing" })
	p, err := manifests.Triggers[i].Spec.Delivery.policy(nil)
	if err != nil || !p.deadLetters {
		t.Fatalf("%+v, %v", p, err)
	}
	var total time.Duration
	for n := range p.retries {
		total += p.pause(n + 1)
	}
	if total < 10*time.Minute || total > time.Hour {
		t.Errorf("tried for %v", total)
	}
}
