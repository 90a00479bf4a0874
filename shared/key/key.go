// Package key is what the platform's programs prove themselves to each other with: one key for each purpose, all derived
// from the platform's own, which one program alone has, for as long as it takes to derive them (longrunning/schema).
//
// It knows the purposes and where their keys are kept. What is derived from a purpose's key is package bouncer's and
// network's.
package key

import (
	"fmt"

	"irc.now/shared/config"
)

// Purpose is what a key is for. Who has the key of one purpose knows nothing of the others'.
type Purpose string

// The purposes.
const (
	BouncerAdmin Purpose = "bounceradmin" // tokens of the administration of bouncers
	Introspect   Purpose = "introspect"   // secrets with which bouncers ask who signs in
	Network      Purpose = "network"      // tokens of the administration of networks
)

// Purposes are all of them.
func Purposes() []Purpose { return []Purpose{BouncerAdmin, Introspect, Network} }

// Of is the key of a purpose under the platform's key. Programs of different releases run side by side: how it is derived
// never changes.
func (p Purpose) Of(platform config.Secret) config.Secret {
	return platform.Derive("irc.now key of a purpose", string(p))
}

// Secret is the name of the Kubernetes Secret that holds the key, under [Field].
func (p Purpose) Secret() string { return "key-" + string(p) }

// Field is the Secrets' one key.
const Field = "key"

// shortest keeps a key from being found by somebody who knows one secret that is derived from it.
const shortest = 32

// Check refuses a key that could be guessed; variable says where it came from. No key at all is allowed: on one machine
// there is nothing to derive.
func Check(variable string, key config.Secret) error {
	if key != "" && len(key) < shortest {
		return fmt.Errorf("%s must name a file with %d characters or more", variable, shortest)
	}
	return nil
}
