package main

import (
	"slices"
	"testing"
)

func TestFiguresOfAllStepsArePrintedTogether(t *testing.T) {
	t.Parallel()
	const output = `goos: linux
BenchmarkBouncers 	       1	362000000000 ns/op	        80.12 bare-writes/s	         0 events/bouncer	         0.8210 of-bare	         1.000 passes/bouncer	       199.3 s/all	         0 steady-writes	        65.72 writes/s
PASS
=== RUN   TestAUser
    figures_test.go:31: not here
Figures:
  bouncer from the portal's button to ready: 5s
  the story took 2m4s
ok  	irc.now/tests/cluster/story	124.1s
  not this
`
	want := []string{
		"1,000 bouncers without kubelet: all objects after 199 s; 66 API writes/s, a bare loop 80, ratio 0.82 (aim ≥ 0.50); steady state 0 writes (aim 0)",
		"bouncer from the portal's button to ready: 5s",
		"the story took 2m4s",
	}
	if got := figures(output); !slices.Equal(got, want) {
		t.Errorf("figures are %q, want %q", got, want)
	}
}

func TestMemoryIsMeasured(t *testing.T) {
	t.Parallel()
	if got := watchMemory().stop(); got < 1<<20 {
		t.Errorf("the machine used at most %d bytes", got)
	}
}
