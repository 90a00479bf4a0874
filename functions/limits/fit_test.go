package limits

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"irc.now/shared/account"
)

// resources reads "a b! c? d!?": the oldest first, with ! for what we stopped and ? for what an administrator suspended.
// Each takes 200 clients.
func resources(text string) (all []resource) {
	for i, word := range strings.Fields(text) {
		all = append(all, resource{
			name: strings.TrimRight(word, "!?"), made: time.Unix(int64(i), 0), size: size{maxClients: 200},
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
		resources string
		most      int
		over      bool
		want      string
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
		t.Run(fmt.Sprintf("%s of %d, %v", c.resources, c.most, c.over), func(t *testing.T) {
			changes := changesFor(resources(c.resources), allowance{most: c.most, clients: 200, graceOver: c.over})
			if got := inWords(changes); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			for _, change := range changes {
				if change.toSize != change.size {
					t.Errorf("%s has another size: %+v", change.name, change.toSize)
				}
			}
		})
	}
}

func TestResourcesOfTheSameMomentHaveAnOrder(t *testing.T) {
	at := time.Unix(7, 0)
	x, y := resource{name: "x", made: at}, resource{name: "y", made: at}
	for _, all := range [][]resource{{x, y}, {y, x}} {
		if got := inWords(changesFor(all, allowance{most: 1, graceOver: true})); got != "y stopped" {
			t.Error(got)
		}
	}
}
