package local

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakeServer runs until it is stopped or dies.
type fakeServer struct {
	done chan struct{}
	err  error
}

func newFakeServer() *fakeServer { return &fakeServer{done: make(chan struct{})} }

func (f *fakeServer) Done() <-chan struct{} { return f.done }
func (f *fakeServer) Err() error            { return f.err }
func (f *fakeServer) die(err error)         { f.err = err; close(f.done) }

func (f *fakeServer) Stop(context.Context) error {
	select {
	case <-f.done:
	default:
		close(f.done)
	}
	return nil
}

func TestAServerThatDiesIsBroughtBackWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newFakeServer()
		var starts []time.Time
		started := make(chan *fakeServer, 1)
		k := &keeper{
			name: "fake", log: slog.New(slog.DiscardHandler), say: func(string, ...any) {},
			start: func(context.Context) (server, error) {
				starts = append(starts, time.Now())
				switch len(starts) {
				case 1:
					return first, nil
				case 5:
					back := newFakeServer()
					started <- back
					return back, nil
				}
				return nil, errors.New("not yet")
			},
		}
		if err := k.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		died := time.Now()
		first.die(errors.New("killed"))
		back := <-started
		if waited := starts[1].Sub(died); waited != firstPause {
			t.Errorf("first try after %s", waited)
		}
		if a, b := starts[3].Sub(starts[2]), starts[4].Sub(starts[3]); b != 2*a {
			t.Errorf("pauses of %s and %s", a, b)
		}
		if err := k.end(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-back.done
	})
}

func TestAStopWhileAServerIsDownStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts atomic.Int32
		first := newFakeServer()
		k := &keeper{name: "fake", log: slog.New(slog.DiscardHandler), say: func(string, ...any) {}, start: func(context.Context) (server, error) {
			starts.Add(1)
			return first, nil
		}}
		if err := k.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		first.die(nil)
		synctest.Wait()
		if err := k.end(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // of the bubble's clock
		if starts.Load() != 1 {
			t.Fatalf("started %d times", starts.Load())
		}
	})
}
