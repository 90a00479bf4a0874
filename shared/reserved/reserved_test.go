package reserved_test

import (
	"slices"
	"testing"

	"irc.now/shared/reserved"
)

func TestNamesThatOthersWouldTrustAreReserved(t *testing.T) {
	for name, want := range map[string]bool{
		"www": true, "admin": true, "nickserv": true, "soju-shared": true, "irc-now": true, "irc-nowhere": true,
		"ada-database": true, "ergo-lab": true, "serv": true,
		"ada": false, "wwww": false, "ada-data": false, "ergo": true, "ergot": false, "": false,
	} {
		if got := reserved.Name(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

func TestTheListsAreSortedAndNobodyElsesToChange(t *testing.T) {
	for _, list := range []func() []string{reserved.Names, reserved.Prefixes, reserved.Suffixes} {
		if !slices.IsSorted(list()) || len(slices.Compact(list())) != len(list()) {
			t.Errorf("%q is not sorted, or says something twice", list())
		}
		list()[0] = "changed"
		if list()[0] == "changed" {
			t.Error("a caller changed the list")
		}
	}
}
