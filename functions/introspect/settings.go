package introspect

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
)

// settings are the environment of the function.
type settings struct {
	BaseURL      config.URL    `env:"BASE_URL,required,notEmpty"` // of this function, as the bouncer reaches it; no path
	Database     config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Issuer       config.URL    `env:"OIDC_ISSUER,required,notEmpty"`
	ClientID     string        `env:"OIDC_CLIENT_ID,required,notEmpty"` // a client that may introspect
	ClientSecret config.Secret `env:"OIDC_CLIENT_SECRET,required,notEmpty"`
	SealKey      config.Secret `env:"TOKEN_SEAL_KEY,required,notEmpty"` // 32 bytes in base64

	// Who may ask: "name:secret,name:secret", and bouncers, whose secrets are derived from the platform's key.
	Clients     clients       `env:"INTROSPECT_CLIENTS"`
	PlatformKey config.Secret `env:"PLATFORM_KEY"`
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	var problems []error
	if s.BaseURL.Parsed().Path != "" {
		problems = append(problems, errors.New("BASE_URL must not have a path"))
	}
	if _, err := s.sealKey(); err != nil {
		problems = append(problems, err)
	}
	if len(s.Clients) == 0 && s.PlatformKey == "" {
		problems = append(problems, errors.New("INTROSPECT_CLIENTS is not set, and neither is PLATFORM_KEY: nobody could ask"))
	}
	problems = append(problems, bouncer.CheckPlatformKey(s.PlatformKey))
	return errors.Join(problems...)
}

func (s *settings) sealKey() ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(s.SealKey.Reveal())
	if err != nil || len(key) != account.SealKeyBytes {
		return nil, fmt.Errorf("TOKEN_SEAL_KEY must be %d bytes in base64", account.SealKeyBytes)
	}
	return key, nil
}

// minSecret keeps a client's secret from being guessed; ours are far longer.
const minSecret = 16

// clients are who may introspect, by name.
type clients map[string]config.Secret

// UnmarshalText reads "name:secret,name:secret". The error repeats nothing, since all of it may be secret.
func (c *clients) UnmarshalText(text []byte) error {
	*c = clients{}
	for part := range strings.SplitSeq(string(text), ",") {
		name, secret, found := strings.Cut(strings.TrimSpace(part), ":")
		if !found || name == "" || len(secret) < minSecret {
			return fmt.Errorf("is not a list such as \"soju:secret,chat:secret\" with secrets of %d characters or more", minSecret)
		}
		if _, twice := (*c)[name]; twice {
			return errors.New("names a client twice")
		}
		(*c)[name] = config.Secret(secret)
	}
	return nil
}

// allow reports whether secret is that of the client called name. It takes as long for an unknown name, and tells
// nothing of a secret's length.
func (c clients) allow(name, secret string) bool {
	expected, known := c[name]
	want, got := sha256.Sum256([]byte(expected.Reveal())), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && known
}
