package bouncer

import "irc.now/shared/config"

// AdminToken is the bearer token of the bounceradmin of the bouncer called name. Whoever holds the key for that purpose
// (package key) can make it, so no program has to read another's Secret. An empty key gives an empty token, which bounceradmin refuses.
func AdminToken(key config.Secret, name string) config.Secret {
	return key.Derive("irc.now bounceradmin token", name)
}

// IntrospectSecret is the client secret with which the dedicated bouncer of owner asks functions/introspect; the
// shared bouncer's is the one for "soju-shared", which is no handle. An empty key gives an empty secret, which
// functions/introspect must refuse.
func IntrospectSecret(key config.Secret, owner string) config.Secret {
	return key.Derive("irc.now introspection client secret", owner)
}
