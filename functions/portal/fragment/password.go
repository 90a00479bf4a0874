package fragment

import (
	"time"

	"irc.now/shared/account"
)

// Passwords counts the connection passwords that work.
type Passwords struct {
	Live     int
	LastName string    // of the one used last; empty when none was used yet
	LastUsed time.Time // likewise
}

// PasswordsOf counts them.
func PasswordsOf(all []account.ConnectionPassword) Passwords {
	var counted Passwords
	for _, password := range all {
		if password.RevokedAt != nil {
			continue
		}
		counted.Live++
		if used := password.LastUsedAt; used != nil && used.After(counted.LastUsed) {
			counted.LastName, counted.LastUsed = password.Name, *used
		}
	}
	return counted
}

// Used reports whether one of them was ever used.
func (p Passwords) Used() bool { return !p.LastUsed.IsZero() }
