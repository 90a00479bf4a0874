package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// seal encrypts and authenticates with AES-256-GCM. It replaces the library's own cipher, which is CFB without
// authentication: there a token's text can be changed bit by bit.
type seal struct{ aead cipher.AEAD }

var errNotSealed = errors.New("not sealed with this key")

func newSeal(key [32]byte) (seal, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return seal{}, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return seal{}, fmt.Errorf("make cipher mode: %w", err)
	}
	return seal{aead: aead}, nil
}

// Encrypt seals plain as URL-safe text.
func (s seal) Encrypt(plain string) (string, error) {
	return base64.RawURLEncoding.EncodeToString(s.sealBytes([]byte(plain), "text")), nil
}

// Decrypt opens what Encrypt sealed.
func (s seal) Decrypt(text string) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", errNotSealed
	}
	plain, err := s.openBytes(sealed, "text")
	return string(plain), err
}

// sealBytes binds the sealed text to its purpose, so that one kind never passes for another.
func (s seal) sealBytes(plain []byte, purpose string) []byte {
	return s.aead.Seal(nil, nil, plain, []byte(purpose)) //nolint:gosec // this mode makes a random nonce itself
}

func (s seal) openBytes(sealed []byte, purpose string) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, errNotSealed
	}
	return plain, nil
}

// newSecret is 160 bits of randomness as text.
func newSecret() string { return rand.Text() + rand.Text()[:6] }

// hashSecret is what the database keeps of a random secret. A plain digest is enough: there is nothing to guess.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
