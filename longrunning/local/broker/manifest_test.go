package broker

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"irc.now/shared/event"
)

const head = "apiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: {name: t}\nspec:\n  broker: default\n"
const service = "  subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: s}}\n"
const brokerObject = "apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: default}\n"

func load(text string) (Manifests, error) {
	return Load(fstest.MapFS{"a.yaml": {Data: []byte(text)}})
}

func TestLoadReadsSeveralObjectsAndLeavesOtherGroupsAlone(t *testing.T) {
	got, err := load(brokerObject + "---\n# a comment\n" + head + service + "---\napiVersion: v1\nkind: Secret\n")
	if err != nil || got.Broker.Metadata.Name != "default" || len(got.Triggers) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLoadRefusesWhatTheClusterWouldReadOtherwise(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field":        brokerObject + "---\n" + head + service + "  retries: 3\n",
		"misspelt filter":      brokerObject + "---\n" + head + service + "  filters: [{prefx: {type: a}}]\n",
		"two dialects in one":  brokerObject + "---\n" + head + service + "  filters: [{exact: {type: a}, prefix: {type: b}}]\n",
		"CloudEvents SQL":      brokerObject + "---\n" + head + service + "  filters: [{cesql: \"type = 'a'\"}]\n",
		"no subscriber":        brokerObject + "---\n" + head,
		"another broker":       brokerObject + "---\n" + strings.Replace(head, "default", "other", 1) + service,
		"no broker":            head + service,
		"two brokers":          brokerObject + "---\n" + brokerObject,
		"two of a name":        brokerObject + "---\n" + head + service + "---\n" + head + service,
		"another kind":         brokerObject + "---\n" + strings.Replace(brokerObject, "Broker", "EventType", 1),
		"negative retry":       brokerObject + "---\n" + head + service + "  delivery: {retry: -1}\n",
		"unknown policy":       brokerObject + "---\n" + head + service + "  delivery: {backoffPolicy: random}\n",
		"Go duration":          brokerObject + "---\n" + head + service + "  delivery: {backoffDelay: 5s}\n",
		"no time at all":       brokerObject + "---\n" + head + service + "  delivery: {timeout: PT0S}\n",
		"sink without service": brokerObject + "---\n" + head + service + "  delivery: {deadLetterSink: {uri: /x}}\n",
	} {
		if got, err := load(text); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func TestFilters(t *testing.T) {
	e, err := event.NewWithID("evt_1", time.Now(), event.SourceStripe("acct_1"),
		event.StripeNotice{Kind: "customer.subscription.updated", Customer: "cus_1"})
	if err != nil {
		t.Fatal(err)
	}
	e.SetExtension("region", "eu")
	for text, want := range map[string]bool{
		"":                         true,
		"filter: {attributes: {}}": true,
		"filter: {attributes: {type: com.stripe.customer.subscription.updated}}":             true,
		"filter: {attributes: {type: com.stripe.customer.subscription.updated, region: us}}": false,
		"filter: {attributes: {region: ''}}":                                                 true,
		"filter: {attributes: {colour: ''}}":                                                 false,
		"filters: [{prefix: {type: com.stripe.}}]":                                           true,
		"filters: [{prefix: {type: com.stripe.}}, {exact: {region: us}}]":                    false,
		"filters: [{suffix: {subject: _1}}]":                                                 true,
		"filters: [{not: {prefix: {type: now.irc.}}}]":                                       true,
		"filters: [{any: [{exact: {id: a}}, {exact: {id: evt_1}}]}]":                         true,
		"filters: [{any: [{exact: {id: a}}, {exact: {id: b}}]}]":                             false,
		"filters: [{all: [{exact: {id: evt_1}}, {prefix: {source: /stripe/}}]}]":             true,
		"filters: [{exact: {colour: red}}]":                                                  false,
		"filter: {attributes: {type: x}}\n  filters: [{exact: {region: eu}}]":                true,
	} {
		got, err := load(brokerObject + "---\n" + head + service + "  " + text + "\n")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if takes := got.Triggers[0].takes(e); takes != want {
			t.Errorf("%s: %v", text, takes)
		}
	}
}

func TestPauses(t *testing.T) {
	exponential := policy{delay: 500 * time.Millisecond}
	linear := policy{delay: 2 * time.Second, linear: true}
	for _, c := range []struct {
		policy policy
		n      int
		want   time.Duration
	}{
		{exponential, 1, 500 * time.Millisecond}, {exponential, 4, 4 * time.Second}, {exponential, 1000, time.Hour},
		{linear, 1, 2 * time.Second}, {linear, 3, 6 * time.Second}, {linear, 1e6, time.Hour},
	} {
		if got := c.policy.pause(c.n); got != c.want {
			t.Errorf("pause before retry %d: %v, want %v", c.n, got, c.want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT0.5S": 500 * time.Millisecond, "PT2M": 2 * time.Minute, "P1DT12H": 36 * time.Hour, "PT1H1M1S": 3661 * time.Second,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "5s", "PT-1S", "P1M", "PT1S ", "PT999999999S"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestATriggerWithoutItsOwnDeliveryHasTheBrokers(t *testing.T) {
	three := 3
	sink := &Destination{Ref: objectReference{APIVersion: "serving.knative.dev/v1", Kind: "Service", Name: "d"}}
	brokers := &Delivery{Retry: &three, DeadLetterSink: sink}
	if p, err := (*Delivery)(nil).policy(brokers); err != nil || p.retries != 3 || !p.deadLetters {
		t.Errorf("none of its own: %+v, %v", p, err)
	}
	if p, err := (&Delivery{}).policy(brokers); err != nil || p.retries != 0 || !p.deadLetters {
		t.Errorf("an empty one: %+v, %v", p, err)
	}
	if p, err := (*Delivery)(nil).policy(nil); err != nil || p.retries != 10 || p.deadLetters {
		t.Errorf("none at all: %+v, %v", p, err)
	}
}
