package bouncer

import (
	"errors"
	"net/http"

	"irc.now/shared/config"
	"irc.now/shared/key"
)

// Shared is the name of the bouncer of everybody who has none of their own. It is no handle.
const Shared = "soju-shared"

// Settings say how a program reaches the admin services of bouncers. Its fields' tags name the variables.
type Settings struct {
	AdminURL   config.URL    `env:"BOUNCER_ADMIN_URL,required,notEmpty"` // bounceradmin of the shared bouncer
	AdminToken config.Secret `env:"BOUNCER_ADMIN_TOKEN"`                 // its token; derived from the key in BOUNCER_ADMIN_KEY_FILE where it is not set
	AdminKey   config.Secret `env:"BOUNCER_ADMIN_KEY_FILE,file"`         // the file with the key that tokens of all bouncers are derived from
}

// Validate reports all problems, each line beginning with its variable.
func (s Settings) Validate() error {
	var missing error
	if s.AdminToken == "" && s.AdminKey == "" {
		missing = errors.New("BOUNCER_ADMIN_TOKEN is not set, and neither is BOUNCER_ADMIN_KEY_FILE, of which it is made otherwise")
	}
	return errors.Join(missing, key.Check("BOUNCER_ADMIN_KEY_FILE", s.AdminKey))
}

// Admin is the client of the shared bouncer's bounceradmin; calls bounds each call.
func (s Settings) Admin(calls *http.Client) *Admin {
	token := s.AdminToken
	if token == "" {
		token = AdminToken(s.AdminKey, Shared)
	}
	return NewAdmin(s.AdminURL.String(), token, calls)
}
