package reconciler

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAnOutageIsToldOnceAndAgainWhereTellingFailed(t *testing.T) {
	away := errors.New("away")
	answers, bouncers, networks := make(chan error), 0, 0
	o := &Outage{Every: time.Millisecond, Ping: func(ctx context.Context) error {
		select {
		case err := <-answers:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	o.listen(func() error {
		bouncers++
		if bouncers == 1 {
			return errors.New("cannot list")
		}
		return nil
	})
	o.listen(func() error { networks++; return nil })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Start(ctx) }()
	for _, answer := range []error{nil, away, away, away, nil, away, nil} {
		answers <- answer
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if bouncers != 3 || networks != 3 {
		t.Errorf("told %d and %d times, want once for each outage and once more where that failed", bouncers, networks)
	}
}
