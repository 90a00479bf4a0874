package introspect

import (
	"time"

	"irc.now/shared/throttle"
)

// StopClock keeps a function's limits where they are, however long a test takes on a busy machine.
func (f *Function) StopClock() {
	now := time.Now()
	f.limits = newLimits(throttle.WithClock(func() time.Time { return now }))
}
