package portal

import "time"

// FollowFor sets how long a started portal lets a page follow a bouncer.
func (f *Function) FollowFor(length time.Duration) { f.portal.streamLength = length }

// WaitFor makes the pages of a started portal wait that long for what they ask.
func (f *Function) WaitFor(patience time.Duration) {
	p := f.portal
	p.patience, p.bouncers.patience = patience, patience
	if p.own != nil {
		p.own.patience = patience
	}
}

// StopClock makes a started portal find that no time passes between its questions.
func (f *Function) StopClock() {
	now := time.Now()
	f.portal.bouncers.now = func() time.Time { return now }
	if f.portal.own != nil {
		f.portal.own.now = f.portal.bouncers.now
	}
}
