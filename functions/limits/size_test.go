package limits

import (
	"testing"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

func TestANetworkTakesAsManyClientsAsThePlanAllows(t *testing.T) {
	const shrink, keep = true, false
	for name, c := range map[string]struct {
		size   size
		allows int
		shrink bool
		want   int
	}{
		"a better plan counts at once":             {size{maxClients: 50, planned: 50}, 200, keep, 200},
		"a lesser plan not in the grace":           {size{maxClients: 200, planned: 200}, 50, keep, 200},
		"a lesser plan when the grace is over":     {size{maxClients: 200, planned: 200}, 50, shrink, 50},
		"the same plan":                            {size{maxClients: 200, planned: 200}, 200, shrink, 200},
		"no plan any more":                         {size{maxClients: 200, planned: 200}, 0, shrink, 200},
		"what the owner chose is not raised":       {size{maxClients: 50}, 200, shrink, 50},
		"what the owner changed is not raised":     {size{maxClients: 20, planned: 200}, 200, shrink, 20},
		"what the owner chose is lowered":          {size{maxClients: 150, planned: 200}, 50, shrink, 50},
		"what the owner chose, not in the grace":   {size{maxClients: 150, planned: 200}, 50, keep, 150},
		"what was lowered comes back":              {size{maxClients: 50, planned: 50, chosen: 150}, 200, keep, 150},
		"what was lowered, half way":               {size{maxClients: 50, planned: 50, chosen: 150}, 100, keep, 100},
		"what was lowered and chosen again":        {size{maxClients: 30, planned: 50, chosen: 150}, 200, keep, 30},
		"no number under a plan with one":          {size{}, 200, shrink, 200},
		"no number, not in the grace":              {size{}, 200, keep, 0},
		"a plan without a limit":                   {size{maxClients: 200, planned: 200}, account.Unlimited, keep, 0},
		"a plan without a limit, and one's choice": {size{maxClients: 20}, account.Unlimited, keep, 20},
	} {
		got := c.size.fitted(allowance{clients: c.allows}, c.shrink)
		if got.maxClients != c.want {
			t.Errorf("%s: %d clients, want %d", name, got.maxClients, c.want)
		}
		if again := got.fitted(allowance{clients: c.allows}, c.shrink); again != got {
			t.Errorf("%s: a second time it becomes %+v", name, again)
		}
		if got.maxClients == c.size.maxClients && got != c.size {
			t.Errorf("%s: it is written although the number stays", name)
		}
	}
}

// The version before went by the name of the hosting plan, and may still run.
func TestANetworkOfTheFormerShapeFollowsThePlanInBothShapes(t *testing.T) {
	const shrink, keep = true, false
	starter, growth := v1alpha1.HostingStarter, v1alpha1.HostingGrowth
	for name, c := range map[string]struct {
		size    size
		hosting account.Hosting
		allows  int
		shrink  bool
		want    size
	}{
		"the number is filled in":   {size{hosting: growth}, account.Growth, 200, keep, size{maxClients: 200, planned: 200, hosting: growth}},
		"a better plan":             {size{hosting: starter}, account.Growth, 200, keep, size{maxClients: 200, planned: 200, hosting: growth}},
		"a lesser one, in grace":    {size{hosting: growth}, account.Starter, 50, keep, size{hosting: growth}},
		"a lesser one":              {size{hosting: growth}, account.Starter, 50, shrink, size{maxClients: 50, planned: 50, hosting: starter}},
		"a choice":                  {size{maxClients: 20, hosting: starter}, account.Growth, 200, keep, size{maxClients: 20, planned: 20, chosen: 20, hosting: growth}},
		"a choice above the plan":   {size{maxClients: 150, hosting: starter}, account.Starter, 50, keep, size{maxClients: 50, planned: 50, chosen: 150, hosting: starter}},
		"no plan any more":          {size{hosting: growth}, account.NoHosting, 0, shrink, size{hosting: growth}},
		"a number that has changed": {size{hosting: starter}, account.Starter, 75, keep, size{maxClients: 75, planned: 75}},
		"a plan that is newer":      {size{hosting: starter}, "galaxy", 900, keep, size{maxClients: 900, planned: 900}},
		"a plan without a limit":    {size{hosting: starter}, "galaxy", account.Unlimited, keep, size{}},
	} {
		got := c.size.fitted(allowance{clients: c.allows, hosting: c.hosting}, c.shrink)
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestWhatStartsFitsAtOnceAndWhatStopsFitsToo(t *testing.T) {
	large := size{maxClients: 200, planned: 200}
	for name, c := range map[string]struct {
		resource  resource
		allowance allowance
		want      int
	}{
		"one that starts in the grace":        {resource{size: large, overPlan: true}, allowance{most: 1, clients: 50}, 50},
		"one that runs in the grace":          {resource{size: large}, allowance{most: 1, clients: 50}, 200},
		"one that stops under a lesser plan":  {resource{size: large}, allowance{clients: 50, graceOver: true}, 50},
		"one that stops without hosting plan": {resource{size: large}, allowance{graceOver: true}, 200},
	} {
		got := c.resource.size
		for _, change := range changesFor([]resource{c.resource}, c.allowance) {
			got = change.toSize
		}
		if got.maxClients != c.want {
			t.Errorf("%s: %d clients, want %d", name, got.maxClients, c.want)
		}
	}
}

func TestAnAnnotationThatMakesNoSenseIsNone(t *testing.T) {
	for text, want := range map[string]int{"": 0, "50": 50, "x": 0, "-1": 0, "1e3": 0, "99999999999999999999": 0} {
		if got := number(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
