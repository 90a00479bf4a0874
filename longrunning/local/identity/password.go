package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"irc.now/shared/fault"
)

// Passwords shorter than ten characters are guessed; the cap bounds the work of hashing what a stranger sends.
const (
	minPassword = 10
	maxPassword = 128
)

// Argon2id with OWASP's first choice of parameters.
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonThreads = 1
	saltLength   = 16
	keyLength    = 32
)

// hashSlots bounds the memory that sign-ins can take at once: 4 × 19 MiB.
const hashSlots = 4

// hasher hashes and checks passwords, a few at a time.
type hasher struct {
	slots chan struct{}
	decoy string // a hash that no password matches, for accounts that do not exist
}

func newHasher(ctx context.Context) (*hasher, error) {
	h := &hasher{slots: make(chan struct{}, hashSlots)}
	decoy, err := h.hash(ctx, rand.Text())
	h.decoy = decoy
	return h, err
}

// checkPassword says what is wrong with a new password.
func checkPassword(password string) error {
	switch length := utf8.RuneCountInString(password); {
	case length < minPassword:
		return fault.New(fault.Invalid, "Choose a password of at least %d characters.", minPassword)
	case length > maxPassword || len(password) > 4*maxPassword:
		return fault.New(fault.Invalid, "Choose a password of at most %d characters.", maxPassword)
	case !utf8.ValidString(password):
		return fault.New(fault.Invalid, "This password holds characters we cannot read. Choose another one.")
	}
	return nil
}

// hash makes the text that is stored; it waits for a free slot.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLength)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	key, err := h.derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	encode := base64.RawStdEncoding.EncodeToString
	return "argon2id$" + encode(salt) + "$" + encode(key), nil
}

// matches tells in constant time whether password made stored. An empty stored costs the same and never matches, so
// that an unknown account takes as long as a known one.
func (h *hasher) matches(ctx context.Context, stored, password string) (bool, error) {
	known := stored != ""
	if !known {
		stored = h.decoy
	}
	salt, want, err := splitHash(stored)
	if err != nil {
		return false, err
	}
	if len(password) > 4*maxPassword {
		password = password[:4*maxPassword] // cannot match: none that long is ever stored
		known = false
	}
	got, err := h.derive(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	return argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonThreads, keyLength), nil
}

func splitHash(stored string) (salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 3 || parts[0] != "argon2id" {
		return nil, nil, errors.New("stored password hash is of an unknown kind")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[1]); err != nil {
		return nil, nil, fmt.Errorf("stored salt: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[2]); err != nil {
		return nil, nil, fmt.Errorf("stored hash: %w", err)
	}
	return salt, key, nil
}
