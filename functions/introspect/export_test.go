package introspect

import (
	"time"

	"irc.now/shared/throttle"
)

// StopClock keeps a function's limits where they are, however long a test takes on a busy machine, and lets nobody wait
// for a clock that stands.
func (f *Function) StopClock() {
	now := time.Now()
	f.limits = newLimits(0, throttle.WithClock(func() time.Time { return now }))
}
