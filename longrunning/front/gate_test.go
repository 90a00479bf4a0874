package front_test

import (
	"fmt"
	"testing"

	"irc.now/longrunning/front"
)

func TestAnAddressOfTheInternetHasABound(t *testing.T) {
	gate := front.NewGate(front.Limits{Total: 1000, PerAddress: 3, Strangers: 2})
	enter := func(address, want string) (signedIn, leave func()) {
		t.Helper()
		signedIn, leave, refusal := gate.Enter(address, func() { t.Error("somebody was put out") })
		if refusal != want {
			t.Errorf("%s: refused for %q, not %q", address, refusal, want)
		}
		return signedIn, leave
	}
	signedIn, leave := enter("203.0.113.7", "")
	enter("203.0.113.7", "")
	enter("203.0.113.7", "address") // two strangers
	signedIn()
	signedIn() // twice is once
	enter("203.0.113.7", "")
	enter("203.0.113.7", "address") // three of three
	enter("203.0.113.8", "")
	leave()
	enter("2001:db8:1:2::1", "")
	enter("2001:db8:1:2:ffff::2", "")
	enter("2001:db8:1:2::3", "address") // the same /64
	enter("2001:db8:1:3::1", "")
	for range 20 { // those of an ingress, a gateway, this machine
		for _, address := range []string{"10.1.2.3", "127.0.0.1", "::1", "192.168.1.1", "100.64.0.9", "fd00::1", "fe80::1"} {
			enter(address, "")
		}
	}
}

func TestTheOldestStrangerMakesRoom(t *testing.T) {
	gate := front.NewGate(front.Limits{Total: 8})
	var out []int
	enter := func(i int) (func(), func(), string) {
		return gate.Enter(fmt.Sprintf("10.0.0.%d", i), func() { out = append(out, i) })
	}
	var leave []func()
	for i := range 8 {
		signedIn, left, refusal := enter(i)
		if refusal != "" {
			t.Fatalf("%d was refused: %s", i, refusal)
		}
		leave = append(leave, left)
		if i >= 2 {
			signedIn()
		}
	}
	for i := 8; i < 11; i++ { // full: 0 and 1 go, which leave later, as their connections end
		if _, left, refusal := enter(i); refusal == "" {
			leave = append(leave, left)
		} else if i < 10 {
			t.Errorf("%d was refused: %s", i, refusal)
		}
	}
	if fmt.Sprint(out[:2]) != "[0 1]" {
		t.Errorf("%v had to go", out)
	}
	for _, left := range leave {
		left()
	}
	if open, strangers, addresses := gate.Counted(); open != 0 || strangers != 0 || addresses != 0 {
		t.Errorf("%d connections, %d strangers and %d addresses are left", open, strangers, addresses)
	}
}

func TestWhoHasSignedInIsNeverPutOut(t *testing.T) {
	gate := front.NewGate(front.Limits{Total: 4})
	for range 4 {
		signedIn, _, refusal := gate.Enter("10.0.0.1", func() { t.Error("somebody was put out") })
		if refusal != "" {
			t.Fatal(refusal)
		}
		signedIn()
	}
	if _, _, refusal := gate.Enter("10.0.0.1", func() {}); refusal != "full" {
		t.Errorf("one more was refused for %q", refusal)
	}
}
