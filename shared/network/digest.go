package network

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"irc.now/shared/config"
)

// StartDigest is the same for two configurations where a running ergo can change from one to the other with a
// rehash, and another one where it has to start anew: its name, where its data is, what it listens on, what it refuses
// to change, and how it may be told to rehash. It gives no secret away.
func (c Config) StartDigest() (string, error) {
	d := c.document()
	for address, l := range d.Server.Listeners {
		l.TLS = nil // read again by every rehash
		d.Server.Listeners[address] = l
	}
	data, err := json.Marshal(struct {
		Server, LockFile string
		Datastore        datastore
		Listeners        map[string]listener
		API              *api
		Casemapping      string
		EnforceUTF8      bool
		AlwaysOn         string
	}{
		d.Server.Name, d.LockFile, d.Datastore, d.Server.Listeners, d.API, d.Server.Casemapping, d.Server.EnforceUTF8,
		d.Accounts.Multiclient.AlwaysOn,
	})
	if err != nil {
		return "", fmt.Errorf("digest ergo's configuration: %w", err)
	}
	return digest(data), nil
}

// Digest stands for everything that c and the message of the day say. It gives no secret away.
func (c Config) Digest(motd string) (string, error) {
	data, err := c.Render()
	if err != nil {
		return "", err
	}
	return digest(append(data, motd...)), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// APIToken is the bearer token of the HTTP interface of the network called name, derived from the platform's key, so
// that who holds the key needs no other secret. An empty key gives an empty token.
func APIToken(key config.Secret, name string) config.Secret {
	return key.Derive("irc.now network interface token", name)
}

// ProofToken is a second bearer token that belongs to one state of the configuration (a Digest). ergo reads its tokens
// anew with every rehash and tells nobody which configuration it runs; so rendered into that configuration, this token
// proves by being accepted that ergo runs it.
func ProofToken(token config.Secret, digest string) config.Secret {
	return token.Derive("irc.now network configuration", digest)
}
