package introspect

import (
	"context"
	"time"

	"irc.now/shared/throttle"
)

// patience is how long somebody is kept waiting before they are refused: a client that is refused gives up for good, and
// one that waits does not notice. It leaves time for an answer within answerTimeout.
const patience = 4 * time.Second

// strangerCalls are how many calls to the identity provider there may be at once for tokens of which nothing is known:
// few enough for the provider not to notice, and as quick as it answers.
const strangerCalls = 8

// limits bound what sign-ins cost others. Secrets of 160 bits are not guessed at any rate. No limit that strangers can
// use up stands before somebody with a good credential: what is theirs is counted by whose it is, and of everything else
// the failures.
type limits struct {
	patience time.Duration

	clientFailures *throttle.Limiter // by network address: who does not know a client's secret
	user           *throttle.Limiter // by credential's owner and address; all of a user's clients may reconnect at once
	failures       *throttle.Limiter // by end user's address: tokens that the provider was asked about and does not know
	strangers      chan struct{}     // a place for each call there may be at once
}

func newLimits(patience time.Duration, options ...throttle.Option) limits {
	return limits{
		patience:       patience,
		clientFailures: throttle.New(time.Second, 20, options...),
		user:           throttle.New(time.Second, 60, options...),
		failures:       throttle.New(2*time.Second, 30, options...),
		strangers:      make(chan struct{}, strangerCalls),
	}
}

// awaitUser takes one sign-in of somebody who has shown that a credential of whose is theirs.
func (l limits) awaitUser(ctx context.Context, whose string, q question) error {
	if !l.user.Wait(ctx, whose+"@"+q.address, l.patience) {
		return tooMany()
	}
	return nil
}

// asStranger asks about a token of which nothing is known.
func (l limits) asStranger(ctx context.Context, q question, ask func(context.Context) (active bool, err error)) error {
	if q.address != "" && !l.failures.Ready(ctx, q.address, l.patience) {
		return tooMany()
	}
	leave, ok := l.enter(ctx)
	if !ok {
		return tooMany()
	}
	defer leave()
	active, err := ask(ctx)
	if err == nil && !active && q.address != "" {
		l.failures.Allow(q.address)
	}
	return err
}

// enter waits for one of the strangers' places.
func (l limits) enter(ctx context.Context) (leave func(), ok bool) {
	leave = func() { <-l.strangers }
	select {
	case l.strangers <- struct{}{}:
		return leave, true
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	select {
	case l.strangers <- struct{}{}:
		return leave, true
	case <-ctx.Done():
		return nil, false
	}
}
