package stripe

import (
	"errors"
	"fmt"
	"time"

	"irc.now/shared/config"
)

// settings are read from the environment.
type settings struct {
	// Secrets sign the webhooks: several while one is being replaced in Stripe's dashboard.
	Secrets []config.Secret `env:"STRIPE_WEBHOOK_SECRETS,required,notEmpty"`
	// Tolerance is how old a signature may be. It bounds how long a webhook that somebody recorded can be replayed.
	Tolerance time.Duration `env:"STRIPE_WEBHOOK_TOLERANCE" envDefault:"5m"`
	Sink      config.URL    `env:"K_SINK,required,notEmpty"`
}

// maxTolerance keeps a slip from turning the check of age off.
const maxTolerance = time.Hour

// Validate reports settings that are there and cannot be.
func (s *settings) Validate() error {
	var all []error
	if s.Tolerance <= 0 || s.Tolerance > maxTolerance {
		all = append(all, fmt.Errorf("STRIPE_WEBHOOK_TOLERANCE must be more than 0 and at most %s", maxTolerance))
	}
	for _, secret := range s.Secrets {
		// An empty secret is one that everybody knows.
		if secret == "" {
			all = append(all, errors.New("STRIPE_WEBHOOK_SECRETS has an empty secret between its commas"))
		}
	}
	return errors.Join(all...)
}
