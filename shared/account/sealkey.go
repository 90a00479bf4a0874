package account

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"

	"irc.now/shared/config"
)

// SealKeyBytes is the length of the key that access tokens are encrypted with.
const SealKeyBytes = 32

// SealKey is the key that access tokens are encrypted with. Nothing prints it. It is a type of settings: SealKeyBytes
// in base64.
type SealKey struct{ aead cipher.AEAD }

// UnmarshalText reads the key; the error repeats nothing of it.
func (k *SealKey) UnmarshalText(text []byte) error {
	key, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(key) != SealKeyBytes {
		return config.Problem(fmt.Sprintf("must be %d bytes in base64", SealKeyBytes))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	k.aead, err = cipher.NewGCMWithRandomNonce(block)
	return err
}

// Format hides the key from every fmt verb.
func (k SealKey) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte("[redacted]")) }

// seal encrypts a token. Its hash is authenticated too: what is sealed cannot be moved to another row.
func (k SealKey) seal(token, hash []byte) []byte {
	return k.aead.Seal(nil, nil, token, hash) //nolint:gosec // the nonce is random and in the result
}

// open is an error where another key sealed it, or for another hash.
func (k SealKey) open(sealed, hash []byte) ([]byte, error) {
	return k.aead.Open(nil, nil, sealed, hash)
}
