package portal

import (
	"errors"
	"fmt"
	"time"

	"irc.now/operators/client"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/payment"
)

// Settings are the portal's environment variables.
type Settings struct {
	BaseURL             config.URL    `env:"BASE_URL,required,notEmpty"`              // where people reach the portal
	LandingURL          config.URL    `env:"LANDING_URL,required,notEmpty"`           // the landing site, linked from every page
	AccountsDatabaseURL config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"` // postgres://…

	OIDCIssuer       string        `env:"OIDC_ISSUER,required,notEmpty"` // the identity provider's issuer, exactly as it names itself
	OIDCClientID     string        `env:"OIDC_CLIENT_ID,required,notEmpty"`
	OIDCClientSecret config.Secret `env:"OIDC_CLIENT_SECRET,required,notEmpty"`

	Bouncer bouncer.Settings

	// On a cluster users may have a bouncer of their own, at HANDLE.host-of-LANDING_URL. Its bounceradmin takes a token
	// made of PLATFORM_KEY; DATABASE_RETENTION is how long the operator keeps the database of one that was deleted.
	Cluster   client.Settings
	Retention time.Duration `env:"DATABASE_RETENTION" envDefault:"720h"`

	IRCHost string `env:"IRC_HOST,required,notEmpty"` // what people type into their IRC client
	IRCPort int    `env:"IRC_PORT" envDefault:"6697"`
	IRCTLS  bool   `env:"IRC_TLS" envDefault:"true"`

	// ExtraNetworks are offered first in the picker and may lie in private address space:
	// "Name=ircs://host:port,Other=irc+insecure://host:port".
	ExtraNetworks string `env:"EXTRA_NETWORKS"`

	// Stripe sells what has a price; without a key there is no billing page.
	Stripe payment.Settings
	// StripePages are the origins of the pages where people pay and manage what they have.
	StripePages []string `env:"STRIPE_PAGES" envDefault:"https://checkout.stripe.com,https://billing.stripe.com"`

	// Sink is the broker. Without it what the portal has to tell stays in the outbox until a tick.
	Sink config.URL `env:"K_SINK"`

	// TrustedProxies is how many proxies of ours stand in front and append to X-Forwarded-For.
	TrustedProxies int `env:"TRUSTED_PROXIES"`

	extra []bouncer.KnownUpstream // ExtraNetworks, parsed by Validate
}

// Validate reports what the tags cannot: all problems together, each line beginning with its variable.
func (s *Settings) Validate() error {
	var problems []error
	if _, err := config.ParseURL(s.OIDCIssuer); err != nil {
		problems = append(problems, fmt.Errorf("OIDC_ISSUER %w", err))
	}
	if s.IRCPort < 1 || s.IRCPort > 65535 {
		problems = append(problems, errors.New("IRC_PORT must be between 1 and 65535"))
	}
	if s.TrustedProxies < 0 {
		problems = append(problems, errors.New("TRUSTED_PROXIES must not be negative"))
	}
	problems = append(problems, s.Cluster.ValidateWith(s.Bouncer))
	if s.Retention < 0 {
		problems = append(problems, errors.New("DATABASE_RETENTION must not be negative"))
	}
	extra, err := bouncer.ParseKnown(s.ExtraNetworks)
	if err != nil {
		problems = append(problems, fmt.Errorf("EXTRA_NETWORKS cannot be read: %s", fault.Sentence(err)))
	}
	s.extra = extra
	if s.Stripe.Configured() {
		problems = append(problems, s.Stripe.Validate())
	}
	for _, page := range s.StripePages {
		if _, err := config.ParseURL(page); err != nil {
			problems = append(problems, fmt.Errorf("STRIPE_PAGES holds what %w", err))
		}
	}
	return errors.Join(problems...)
}

// offered are the networks of the picker, our own first.
func (s *Settings) offered() []bouncer.KnownUpstream {
	return append(append([]bouncer.KnownUpstream{}, s.extra...), bouncer.WellKnown...)
}
