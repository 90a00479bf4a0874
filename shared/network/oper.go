package network

import (
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"irc.now/shared/config"
)

// MaxPassword is how many bytes of an operator's password bcrypt can tell apart.
const MaxPassword = 72

// HashPassword makes what Oper.PasswordHash holds, as `ergo genpasswd` does: bcrypt at its lowest cost, since ergo
// compares while the client waits. So the password should be a random one.
func HashPassword(password config.Secret) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password.Reveal()), bcrypt.MinCost)
	if err != nil {
		return "", fmt.Errorf("hash an operator's password: %w", err)
	}
	return string(hash), nil
}

// PasswordMatches reports whether hash was made of password. A hash that takes more work than bcrypt's usual one is
// taken for none: its most would keep us busy for a day, and every OPER would keep ergo as long.
func PasswordMatches(hash string, password config.Secret) bool {
	cost, err := bcrypt.Cost([]byte(hash))
	return err == nil && cost <= bcrypt.DefaultCost && bcrypt.CompareHashAndPassword([]byte(hash), []byte(password.Reveal())) == nil
}

// UsablePassword reports whether a client can send password with OPER: something that bcrypt reads whole and that is
// one parameter of an IRC message.
func UsablePassword(password config.Secret) bool {
	text := password.Reveal()
	if text == "" || len(text) > MaxPassword || text[0] == ':' {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}
