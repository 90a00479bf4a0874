package introspect

import (
	"time"

	"irc.now/shared/throttle"
)

// limits bound how often something may be tried. Secrets of 160 bits are not guessed at any rate: the limits keep a
// client that is stuck in a loop, or somebody who tries, from costing others their share.
type limits struct {
	clientFailures *throttle.Limiter // by network address: who does not know a client's secret
	password       *throttle.Limiter // by password id; all of a user's clients may reconnect at once
	address        *throttle.Limiter // by end user's address: access tokens, each costs a call to the provider
	client         *throttle.Limiter // by client: the same, all users together
}

func newLimits(options ...throttle.Option) limits {
	return limits{
		clientFailures: throttle.New(time.Second, 20, options...),
		password:       throttle.New(time.Second, 60, options...),
		address:        throttle.New(2*time.Second, 30, options...),
		client:         throttle.New(20*time.Millisecond, 500, options...),
	}
}
