package background_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"irc.now/shared/background"
)

// work is under way for a minute, and then, or when it is cut short, over.
func work(done *atomic.Int32) func(soft, hard context.Context) {
	return func(soft, hard context.Context) {
		<-soft.Done()
		select {
		case <-time.After(time.Minute):
			done.Add(1)
		case <-hard.Done():
		}
	}
}

func TestStopWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g background.Group
		var done atomic.Int32
		for range 3 {
			if !g.Go(work(&done)) {
				t.Fatal("it does not run")
			}
		}
		began := time.Now()
		if err := g.Stop(t.Context()); err != nil || done.Load() != 3 {
			t.Errorf("%v, and %d of 3 are done", err, done.Load())
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestWhatOutlastsPatienceIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g background.Group
		var done atomic.Int32
		g.Go(work(&done))
		patience, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Stop(patience); !errors.Is(err, context.DeadlineExceeded) || done.Load() != 0 {
			t.Errorf("%v, and %d are done", err, done.Load())
		}
	})
}

func TestNothingBeginsAfterStop(t *testing.T) {
	for name, before := range map[string]func(*background.Group){
		"unused": func(*background.Group) {},
		"used":   func(g *background.Group) { g.Go(func(_, _ context.Context) {}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g background.Group
				before(&g)
				if err := g.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				if g.Go(func(_, _ context.Context) { t.Error("it runs") }) {
					t.Error("it says that it runs")
				}
				synctest.Wait()
			})
		})
	}
}

func TestEverybodyWhoStopsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g background.Group
		var done atomic.Int32
		g.Go(work(&done))
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := g.Stop(t.Context()); err != nil || done.Load() != 1 {
					t.Errorf("%v, and %d are done", err, done.Load())
				}
			})
		}
		all.Wait()
	})
}

func TestWhereNothingRunsStopNeedsNoPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g background.Group
		g.Go(func(_, _ context.Context) {})
		synctest.Wait()
		none, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 {
			if err := g.Stop(none); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestEveryIntervalHasOneCallAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g background.Group
		began := time.Now()
		var at []time.Duration
		g.Go(func(soft, _ context.Context) {
			background.Every(soft, time.Minute, func(context.Context) {
				at = append(at, time.Since(began))
				if len(at) == 1 {
					time.Sleep(150 * time.Second) // of the bubble's clock
				}
			})
		})
		time.Sleep(5*time.Minute + time.Second)
		if err := g.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The call of the second minute came when the first had ended; that of the third was left out.
		want := []time.Duration{time.Minute, 210 * time.Second, 4 * time.Minute, 5 * time.Minute}
		if len(at) != len(want) {
			t.Fatalf("called at %v", at)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("call %d came at %s, want %s", i, at[i], want[i])
			}
		}
	})
}

func TestStepsTogetherAllEndAndTellAllErrors(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	meet := make(chan struct{})
	err := background.Together(
		func() error { meet <- struct{}{}; return first }, // only at the same time do these two get anywhere
		func() error { <-meet; return second },
		func() error { return nil },
	)
	if !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("%v", err)
	}
	if err := background.Together(); err != nil {
		t.Errorf("no steps: %v", err)
	}
}
