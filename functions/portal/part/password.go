package part

import "irc.now/shared/account"

// Passwords counts the connection passwords that work.
type Passwords struct {
	Live int
	Last *account.ConnectionPassword // the one used last; nil when none was used yet
}

// PasswordsOf counts them.
func PasswordsOf(all []account.ConnectionPassword) Passwords {
	var counted Passwords
	for _, password := range all {
		if password.RevokedAt != nil {
			continue
		}
		counted.Live++
		used := password.LastUsedAt
		if used != nil && (counted.Last == nil || used.After(*counted.Last.LastUsedAt)) {
			counted.Last = &password
		}
	}
	return counted
}
