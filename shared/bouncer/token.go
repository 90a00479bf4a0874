package bouncer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"irc.now/shared/config"
)

// AdminToken is the bearer token of the bounceradmin of the bouncer called name. Whoever holds the platform's key can
// make it, so no program has to read another's Secret. An empty key gives an empty token, which bounceradmin refuses.
func AdminToken(key config.Secret, name string) config.Secret {
	return derive(key, "irc.now bounceradmin token", name)
}

// IntrospectSecret is the client secret with which the dedicated bouncer of owner asks functions/introspect; the
// shared bouncer's is the one for "soju-shared", which is no handle. An empty key gives an empty secret, which
// functions/introspect must refuse.
func IntrospectSecret(key config.Secret, owner string) config.Secret {
	return derive(key, "irc.now introspection client secret", owner)
}

// derive is HMAC-SHA-256 of the purpose and the name, so that no token of one purpose or name is of use for another.
// Neither part can hold the separator.
func derive(key config.Secret, purpose, name string) config.Secret {
	if key == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(purpose + "\x00" + name))
	return config.Secret(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}
