package tenant

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

const (
	scramIterations = 4096 // PostgreSQL's own; the passwords are random, so more would add nothing
	scramSaltBytes  = 16
)

// Verifier is what PostgreSQL stores of a password, "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>"
// (RFC 5803), with which a statement can set it unseen: statements can end in a log. It holds no quote. Passwords are
// ASCII, so SASLprep would change nothing.
func Verifier(password string) (string, error) {
	salt := make([]byte, scramSaltBytes)
	rand.Read(salt) // never fails
	return verifierWith(password, salt, scramIterations)
}

func verifierWith(password string, salt []byte, iterations int) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive password verifier: %w", err)
	}
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt), encode(stored[:]),
		encode(keyed(salted, "Server Key"))), nil
}

// Verifies reports whether verifier, as PostgreSQL stores it, is of password.
func Verifies(verifier, password string) bool {
	parameters, found := strings.CutPrefix(verifier, "SCRAM-SHA-256$")
	count, rest, cut := strings.Cut(parameters, ":")
	salt, _, split := strings.Cut(rest, "$")
	iterations, err := strconv.Atoi(count)
	// More iterations than PostgreSQL's are none of ours; they could take for ever.
	if !found || !cut || !split || err != nil || iterations < 1 || iterations > scramIterations {
		return false
	}
	decoded, err := base64.StdEncoding.DecodeString(salt)
	if err != nil {
		return false
	}
	again, err := verifierWith(password, decoded, iterations)
	return err == nil && hmac.Equal([]byte(again), []byte(verifier))
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
