package bouncer

import (
	"errors"
	"fmt"
	"net/http"

	"irc.now/shared/config"
)

// Shared is the name of the bouncer of everybody who has none of their own. It is no handle.
const Shared = "soju-shared"

// minPlatformKey keeps the platform's key from being found by somebody who knows one secret that is derived from it.
const minPlatformKey = 32

// CheckPlatformKey refuses a platform's key, from the variable PLATFORM_KEY, that could be guessed. No key at all is
// allowed: on one machine there is nothing to derive.
func CheckPlatformKey(key config.Secret) error {
	if key != "" && len(key) < minPlatformKey {
		return fmt.Errorf("PLATFORM_KEY must have %d characters or more", minPlatformKey)
	}
	return nil
}

// Settings say how a program reaches the admin services of bouncers. Its fields' tags name the variables.
type Settings struct {
	AdminURL    config.URL    `env:"BOUNCER_ADMIN_URL,required,notEmpty"` // bounceradmin of the shared bouncer
	AdminToken  config.Secret `env:"BOUNCER_ADMIN_TOKEN"`                 // its token; derived from PLATFORM_KEY where it is not set
	PlatformKey config.Secret `env:"PLATFORM_KEY"`                        // what tokens and client secrets of all bouncers are derived from
}

// Validate reports all problems, each line beginning with its variable.
func (s Settings) Validate() error {
	var missing error
	if s.AdminToken == "" && s.PlatformKey == "" {
		missing = errors.New("BOUNCER_ADMIN_TOKEN is not set, and neither is PLATFORM_KEY, of which it is made otherwise")
	}
	return errors.Join(missing, CheckPlatformKey(s.PlatformKey))
}

// Admin is the client of the shared bouncer's bounceradmin; calls bounds each call.
func (s Settings) Admin(calls *http.Client) *Admin {
	token := s.AdminToken
	if token == "" {
		token = AdminToken(s.PlatformKey, Shared)
	}
	return NewAdmin(s.AdminURL.String(), token, calls)
}
