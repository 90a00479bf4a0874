package reconciler

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

func TestAnOutageIsToldOnceAndAgainWhereTellingFailed(t *testing.T) {
	away := errors.New("away")
	answers, told := make(chan error), 0
	tell := func() error {
		told++
		if told == 1 {
			return errors.New("cannot list")
		}
		return nil
	}
	o := Outage{Every: time.Millisecond, Ping: func(ctx context.Context) error {
		select {
		case err := <-answers:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.watch(ctx, logr.Discard(), tell) }()
	for _, answer := range []error{nil, away, away, away, nil, away, nil} {
		answers <- answer
	}
	stop()
	<-done
	if told != 3 {
		t.Errorf("told %d times, want once for each outage and once more where that failed", told)
	}
}
