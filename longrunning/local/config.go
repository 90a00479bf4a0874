package local

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"irc.now/shared/config"
	"irc.now/shared/payment"
)

// Domain is the name everything has on one machine. Names below localhost lead to the machine itself (RFC 6761
// section 6.3), and browsers know that.
const Domain = "irc.localhost"

// Config says how to run the platform. Dir is needed; port 0 takes any free one.
type Config struct {
	Dir         string // everything that is kept between starts
	CacheDir    string // fetched programs; Dir's "cache" where empty
	HTTPPort    int
	IRCPort     int           // the bouncer, for IRC clients
	NetworkPort int           // the local IRC network, for the bouncer
	DatabaseURL config.Secret // a PostgreSQL that runs already; empty starts one
	Stripe      StripeConfig  // Stripe itself; the stand-in where it has no key
	Tick        time.Duration // between looks for revoked sign-ins; 10 s where zero

	Log      *slog.Logger // gets what the parts and the foreign servers say; nil means nobody
	Progress io.Writer    // gets a line for every step of the start and every failure since; nil means nobody
}

// settings are the environment variables of the command.
type settings struct {
	Dir         string        `env:"IRCNOW_DIR"   envDefault:".local"`         // where everything is kept
	CacheDir    string        `env:"IRCNOW_CACHE" envDefault:".cache/servers"` // where downloaded servers are
	HTTPPort    int           `env:"HTTP_PORT"    envDefault:"8080"`           // of all pages; 0 takes any free one, as for the others
	IRCPort     int           `env:"IRC_PORT"     envDefault:"6667"`           // of the bouncer, for IRC clients
	NetworkPort int           `env:"NETWORK_PORT" envDefault:"6668"`           // of the local IRC network, for the bouncer
	DatabaseURL config.Secret `env:"DATABASE_URL"`                             // of a PostgreSQL that runs already; without it one is started

	// With a key the platform uses Stripe itself; send its webhooks to pay.irc.localhost, path /webhook.
	Stripe         payment.Settings
	WebhookSecrets []string `env:"STRIPE_WEBHOOK_SECRETS"`
}

// Validate reports every port that cannot be one, and two that are the same.
func (s *settings) Validate() error {
	var faults []error
	taken := map[int]string{}
	for _, port := range []struct {
		name  string
		value int
	}{{"HTTP_PORT", s.HTTPPort}, {"IRC_PORT", s.IRCPort}, {"NETWORK_PORT", s.NetworkPort}} {
		if port.value < 0 || port.value > 65535 {
			faults = append(faults, fmt.Errorf("%s must be a port from 1 to 65535, or 0 for any free one, not %d", port.name, port.value))
		}
		if other, is := taken[port.value]; is && port.value != 0 {
			faults = append(faults, fmt.Errorf("%s and %s must differ", other, port.name))
		}
		taken[port.value] = port.name
	}
	if s.Stripe.Configured() {
		faults = append(faults, s.Stripe.Validate())
		if len(s.WebhookSecrets) == 0 {
			faults = append(faults, errors.New("STRIPE_WEBHOOK_SECRETS is not set, which STRIPE_KEY needs"))
		}
	}
	return errors.Join(faults...)
}

// FromEnvironment reads HTTP_PORT (8080), IRC_PORT (6667), NETWORK_PORT (6668), DATABASE_URL, IRCNOW_DIR (.local),
// IRCNOW_CACHE (.cache/servers), and, to use Stripe itself, STRIPE_KEY, STRIPE_WEBHOOK_SECRETS and STRIPE_PRICE_….
func FromEnvironment(env map[string]string) (Config, error) {
	var s settings
	if err := config.Load(env, &s); err != nil {
		return Config{}, err
	}
	return Config{
		Dir: s.Dir, CacheDir: s.CacheDir, HTTPPort: s.HTTPPort, IRCPort: s.IRCPort, NetworkPort: s.NetworkPort,
		DatabaseURL: s.DatabaseURL, Stripe: StripeConfig{Settings: s.Stripe, WebhookSecrets: s.WebhookSecrets},
	}, nil
}

// fill sets defaults and makes paths absolute: children have working directories of their own.
func (c *Config) fill() (err error) {
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return fmt.Errorf("find the data folder: %w", err)
	}
	if c.CacheDir == "" {
		c.CacheDir = filepath.Join(c.Dir, "cache")
	}
	if c.CacheDir, err = filepath.Abs(c.CacheDir); err != nil {
		return fmt.Errorf("find the cache folder: %w", err)
	}
	if c.Tick == 0 {
		c.Tick = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	return nil
}

// origin is the address of a site on the machine: "my", "auth", or "" for the landing site.
func origin(name string, port int) string {
	host := Domain
	if name != "" {
		host = name + "." + Domain
	}
	return (&url.URL{Scheme: "http", Host: fmt.Sprintf("%s:%d", host, port)}).String()
}
