// Package eventually lets tests wait for what nobody tells of: another program's state, which they can only ask for.
// What there is a channel, a watch or an answer for is waited for there, and not with this package.
package eventually

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Pauses between two looks grow, so that what comes soon is seen soon, and what takes long is not asked for all the time.
const (
	firstPause = 5 * time.Millisecond
	longPause  = 200 * time.Millisecond
)

// Within looks again and again until check returns nil. When patience has run out, the test fails with the last reason
// that check gave. The context that check gets ends with patience, and with the test.
func Within(t testing.TB, patience time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := Until(ctx, check); err != nil {
		t.Fatalf("not within %s: %v", patience, err)
	}
}

// Until is Within for whoever has more to do when it fails. It looks at least once, and returns the last reason that
// check gave before ctx ended: that a look was cut short says less.
func Until(ctx context.Context, check func(ctx context.Context) error) error {
	var reason error
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if reason == nil || ctx.Err() == nil {
			reason = err
		}
		select {
		case <-ctx.Done():
			return reason
		case <-time.After(pause):
		}
	}
}

// True is a check's answer for what is either so or not: nil, or an error of this reason.
func True(is bool, reason string, args ...any) error {
	if is {
		return nil
	}
	return fmt.Errorf(reason, args...)
}
