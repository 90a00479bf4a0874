package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a password, key or token. Every way of printing it (fmt with any verb, slog, JSON, text encodings)
// gives "[redacted]", except as the key of a map in JSON; only [Secret.Reveal] gives the value. The empty Secret prints as nothing, so that a log
// shows whether one was set.
type Secret string

// Reveal is the value itself: call it only where the value is handed to what checks or needs it.
func (s Secret) Reveal() string { return string(s) }

// Equal compares with presented in a time that depends on the lengths alone.
func (s Secret) Equal(presented string) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(presented)) == 1
}

// Derive makes another secret of this one by HMAC-SHA-256 of a purpose and a name, so that whoever gets one of those
// knows neither this secret nor what is derived for another purpose or name. Neither may hold a NUL. Of the empty Secret
// comes the empty one.
func (s Secret) Derive(purpose, name string) Secret {
	if s == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(s))
	mac.Write([]byte(purpose + "\x00" + name))
	return Secret(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// UnmarshalText takes the text as the value.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// MarshalText hides the value; JSON and YAML encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Format hides the value from every fmt verb, %q, %x and %#v included.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, s.String()) }

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}
