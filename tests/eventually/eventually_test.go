package eventually_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"irc.now/tests/eventually"
)

func TestItWaitsUntilItIsSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, looks := time.Now(), 0
		eventually.Within(t, time.Minute, func(context.Context) error {
			looks++
			return eventually.True(time.Since(began) >= 30*time.Second, "only %s", time.Since(began))
		})
		if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("it took %s", took)
		}
		if looks > 200 {
			t.Errorf("it looked %d times", looks)
		}
	})
}

func TestWhatIsSoIsNotWaitedFor(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := eventually.Until(ended, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestTheLastReasonIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		looks := 0
		err := eventually.Until(ctx, func(ctx context.Context) error {
			looks++
			if looks == 3 {
				<-ctx.Done() // a server that hangs
				return ctx.Err()
			}
			return fmt.Errorf("look %d", looks)
		})
		if err == nil || err.Error() != "look 2" {
			t.Errorf("the reason is %v", err)
		}
	})
}

// failing is a test that takes its failure down.
type failing struct {
	testing.TB

	said string
}

func (f *failing) Fatalf(format string, args ...any) { f.said = fmt.Sprintf(format, args...) }

func TestATestFailsWhenPatienceHasRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, began := &failing{TB: t}, time.Now()
		eventually.Within(f, 20*time.Second, func(context.Context) error { return errors.New("the door is closed") })
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("it failed after %s", took)
		}
		if !strings.Contains(f.said, "20s") || !strings.Contains(f.said, "the door is closed") {
			t.Errorf("it says %q", f.said)
		}
	})
}
