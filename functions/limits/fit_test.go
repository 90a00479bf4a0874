package limits

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"irc.now/shared/account"
)

// things reads "a b! c? d!?": the oldest first, with ! for what we stopped and ? for what an administrator suspended.
// Each is hosted under Growth.
func things(text string) (all []thing) {
	for i, word := range strings.Fields(text) {
		all = append(all, thing{
			name: strings.TrimRight(word, "!?"), made: time.Unix(int64(i), 0), hosting: account.Growth,
			overPlan: strings.Contains(word, "!"), suspended: strings.Contains(word, "?"),
		})
	}
	slices.Reverse(all) // a list of the API server has another order
	return all
}

func inWords(changes []change) string {
	var words []string
	for _, c := range changes {
		words = append(words, c.name+" "+c.word())
	}
	return strings.Join(words, ", ")
}

func TestTheOldestRunAndTheNewestStop(t *testing.T) {
	const over, grace = true, false
	for _, c := range []struct {
		things string
		most   int
		over   bool
		want   string
	}{
		{"", 0, over, ""},
		{"a", 1, over, ""},
		{"a", 0, grace, ""},
		{"a", 0, over, "a stopped"},
		{"a!", 0, over, ""},
		{"a!", 1, over, "a started"},
		{"a!", 1, grace, "a started"}, // of a second downgrade
		{"a b c", 3, over, ""},
		{"a b c", 1, over, "b stopped, c stopped"},
		{"a b c", 1, grace, ""},
		{"a b c", 0, over, "a stopped, b stopped, c stopped"},
		{"a b c", account.Unlimited, over, ""},
		{"a! b! c!", 2, over, "a started, b started"},
		{"a! b! c!", account.Unlimited, over, "a started, b started, c started"},
		// What runs goes on, so that nothing stops to let another start.
		{"a! b", 1, over, ""},
		{"a! b c", 1, over, "c stopped"},
		// What is suspended takes nobody's place, and stays suspended.
		{"a? b", 1, over, ""},
		{"a? b c", 1, over, "c stopped"},
		{"a?", 0, over, "a stopped"},
		{"a!?", 1, over, "a started"},
		{"a!? b!", 1, over, "a started, b started"},
	} {
		t.Run(fmt.Sprintf("%s of %d, %v", c.things, c.most, c.over), func(t *testing.T) {
			changes := changesFor(things(c.things), allowance{most: c.most, hosting: account.Growth, graceOver: c.over})
			if got := inWords(changes); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			for _, change := range changes {
				if change.toHosting != account.Growth {
					t.Errorf("%s is hosted under %q", change.name, change.toHosting)
				}
			}
		})
	}
}

func TestThingsOfTheSameMomentHaveAnOrder(t *testing.T) {
	at := time.Unix(7, 0)
	x, y := thing{name: "x", made: at}, thing{name: "y", made: at}
	for _, all := range [][]thing{{x, y}, {y, x}} {
		if got := inWords(changesFor(all, allowance{most: 1, graceOver: true})); got != "y stopped" {
			t.Error(got)
		}
	}
}

func TestWhatRunsIsHostedUnderTheOwnersPlan(t *testing.T) {
	const over, grace = true, false
	for _, c := range []struct {
		name    string
		thing   thing
		hosting account.Hosting
		over    bool
		want    account.Hosting // empty for no change
	}{
		{"a better one counts at once", thing{hosting: account.Starter}, account.Growth, grace, account.Growth},
		{"a lesser one after the grace", thing{hosting: account.Growth}, account.Starter, grace, ""},
		{"a lesser one when the grace is over", thing{hosting: account.Growth}, account.Starter, over, account.Starter},
		{"one that starts fits at once", thing{hosting: account.Growth, overPlan: true}, account.Starter, grace, account.Starter},
		{"the same is no change", thing{hosting: account.Growth}, account.Growth, over, ""},
	} {
		var got account.Hosting
		for _, change := range changesFor([]thing{c.thing}, allowance{most: 1, hosting: c.hosting, graceOver: c.over}) {
			got = change.toHosting
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	stopped := changesFor([]thing{{hosting: account.Growth}}, allowance{hosting: account.NoHosting, graceOver: true})
	if len(stopped) != 1 || stopped[0].toHosting != account.Growth {
		t.Errorf("what stops loses its hosting: %+v", stopped)
	}
}
