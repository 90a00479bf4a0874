package bouncer

import (
	"context"
	"net/http"
	"time"
)

// ClientSeen is the body of a user's seen GET.
type ClientSeen struct {
	At time.Time `json:"at"` // when one of the user's clients came in or left last; the zero time for never
}

// ClientSeen tells when one of the user's IRC clients came in or left last, by soju's clock; the zero time for never, and
// for a user that is not there. Signing in counts once soju has let the client in, which is later than its password was
// looked at and may not happen at all.
func (a *Admin) ClientSeen(ctx context.Context, user string) (time.Time, error) {
	var seen ClientSeen
	err := a.do(ctx, http.MethodGet, a.user(user, "seen"), nil, &seen)
	return seen.At, err
}
