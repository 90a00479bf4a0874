package introspect

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"

	"irc.now/shared/config"
)

// minSecret keeps a client's secret from being guessed; ours are far longer.
const minSecret = 16

// clients are who may introspect, by name.
type clients map[string]config.Secret

// UnmarshalText reads "name:secret,name:secret". The error repeats nothing, since all of it may be secret.
func (c *clients) UnmarshalText(text []byte) error {
	*c = clients{}
	for part := range strings.SplitSeq(string(text), ",") {
		name, secret, found := strings.Cut(strings.TrimSpace(part), ":")
		if !found || name == "" || len(secret) < minSecret {
			return config.Problem(fmt.Sprintf("is not a list such as \"soju:secret,chat:secret\" with secrets of %d characters or more", minSecret))
		}
		if _, twice := (*c)[name]; twice {
			return config.Problem("names a client twice")
		}
		(*c)[name] = config.Secret(secret)
	}
	return nil
}

// allow reports whether secret is that of the client called name. It takes as long for an unknown name, and tells
// nothing of a secret's length.
func (c clients) allow(name, secret string) bool {
	expected, known := c[name]
	want, got := sha256.Sum256([]byte(expected.Reveal())), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && known
}
