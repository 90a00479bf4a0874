package account

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"

	"irc.now/shared/config"
)

// A connection password reads irc_ID_SECRET. The prefix lets leak scanners recognise it; ID finds the row, so that
// the secret itself is never part of a query; both are base32 in lower case, which survives being read aloud and
// needs no escaping anywhere.
const (
	secretPrefix = "irc_"
	idBytes      = 10
	secretBytes  = 20 // 160 bits: beyond guessing, so one round of SHA-256 is all the hashing it needs
)

const base32Digits = "abcdefghijklmnopqrstuvwxyz234567"

var base32Lower = base32.NewEncoding(base32Digits).WithPadding(base32.NoPadding)

var errNotSecret = errors.New("not a connection password")

type secret struct {
	id     string
	random string
}

func newSecret() secret {
	raw := make([]byte, idBytes+secretBytes)
	rand.Read(raw) // never fails
	return secret{id: base32Lower.EncodeToString(raw[:idBytes]), random: base32Lower.EncodeToString(raw[idBytes:])}
}

// secretOf makes the connection password that belongs to seed and purpose, the same each time.
func secretOf(seed config.Secret, purpose string) (secret, error) {
	raw, err := hkdf.Key(sha256.New, []byte(seed.Reveal()), nil, "irc.now connection password "+purpose, idBytes+secretBytes)
	if err != nil {
		return secret{}, err
	}
	return secret{id: base32Lower.EncodeToString(raw[:idBytes]), random: base32Lower.EncodeToString(raw[idBytes:])}, nil
}

func (s secret) String() string { return secretPrefix + s.id + "_" + s.random }

func (s secret) hash() [sha256.Size]byte { return sha256.Sum256([]byte(s.random)) }

// parseSecret takes apart what a client presented, which may be anything.
func parseSecret(presented string) (secret, error) {
	rest, ok := strings.CutPrefix(presented, secretPrefix)
	if !ok {
		return secret{}, errNotSecret
	}
	id, random, _ := strings.Cut(rest, "_")
	if !encodes(id, idBytes) || !encodes(random, secretBytes) {
		return secret{}, errNotSecret
	}
	return secret{id: id, random: random}, nil
}

// encodes reports whether s is base32 of so many bytes, which fill up its digits.
func encodes(s string, bytes int) bool {
	return len(s) == base32Lower.EncodedLen(bytes) && strings.Trim(s, base32Digits) == ""
}

// PasswordID is the id of the connection password that presented claims to be, for rate limits; ok is false for
// anything else, such as an access token. It says nothing about whether the password is right.
func PasswordID(presented string) (id string, ok bool) {
	s, err := parseSecret(presented)
	return s.id, err == nil
}
