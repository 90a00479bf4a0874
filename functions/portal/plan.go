package portal

import (
	"fmt"
	"strconv"
	"time"

	"irc.now/shared/account"
)

// planView is a plan in words.
type planView struct {
	Title      string
	Networks   string // "one network", "as many networks as you like"
	Scrollback string
	Bouncer    string
}

func planOf(user account.User) planView {
	allowed := user.Entitlements()
	return planView{
		Title:      user.Plan.Title(),
		Networks:   networksInWords(allowed.UpstreamNetworks),
		Scrollback: scrollbackInWords(allowed.Scrollback),
		Bouncer:    bouncerInWords(allowed.DedicatedBouncers),
	}
}

func networksInWords(count int) string {
	switch count {
	case account.Unlimited:
		return "as many networks as you like"
	case 1:
		return "one network"
	default:
		return strconv.Itoa(count) + " networks"
	}
}

func scrollbackInWords(length time.Duration) string {
	switch {
	case length == account.Forever:
		return "everything, for good"
	case length%(24*time.Hour) == 0 && length > 48*time.Hour:
		return fmt.Sprintf("the last %d days", length/(24*time.Hour))
	default:
		return fmt.Sprintf("the last %d hours", length/time.Hour)
	}
}

func bouncerInWords(dedicated int) string {
	if dedicated > 0 {
		return "a bouncer of your own"
	}
	return "the shared bouncer"
}
