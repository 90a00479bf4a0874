package portal

import "time"

// FollowFor sets how long a started portal lets a page follow a bouncer.
func (f *Function) FollowFor(length time.Duration) { f.portal.streamLength = length }
