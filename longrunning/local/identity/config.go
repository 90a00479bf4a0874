package identity

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"irc.now/shared/config"
)

// Lifetimes. They are constants and no settings: every other part has to work whatever a provider chooses.
const (
	requestLifetime = 10 * time.Minute    // from the start of a sign-in to the exchange of its code
	accessLifetime  = time.Hour           // an access token, unless its session ends before
	refreshLifetime = 30 * 24 * time.Hour // an unused refresh token
	sessionLifetime = 30 * 24 * time.Hour // a browser's session, never prolonged
	idTokenLifetime = time.Hour
)

// Config is what [New] needs. Every field but Now is required.
type Config struct {
	Issuer      string // absolute http(s) URL without a path, as browsers see it
	DatabaseURL config.Secret
	Key         [32]byte // seals access tokens and signing keys; another key ends all tokens
	Clients     []Client
	HomeURL     string // where "continue" leads somebody who came without an application
	Log         *slog.Logger
	Now         func() time.Time // time.Now where nil
}

// Client is an application that people sign in to here.
type Client struct {
	ID          string
	Name        string        // shown to people
	Secret      config.Secret // empty for a public client
	Redirects   []string      // compared exactly; a native client's loopback redirects with any port
	PostLogout  []string
	Native      bool // runs on the user's own computer: asks before it is let in (RFC 8252 section 8.6)
	Introspects bool // may ask about every token, not only its own
}

// Validate reports everything that is wrong at once.
func (c Config) Validate() error {
	var faults []error
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" || issuer.Path != "" || (issuer.Scheme != "http" && issuer.Scheme != "https") {
		faults = append(faults, fmt.Errorf("issuer %q is no absolute http(s) URL without a path", c.Issuer))
	}
	if c.Key == [32]byte{} {
		faults = append(faults, errors.New("the sealing key is empty"))
	}
	if c.Log == nil {
		faults = append(faults, errors.New("the log is missing"))
	}
	for _, client := range c.Clients {
		if (client.Secret == "") != client.Native {
			faults = append(faults, fmt.Errorf("client %q: a native client has no secret, every other needs one", client.ID))
		}
	}
	return errors.Join(faults...)
}

func (c Config) secure() bool {
	issuer, err := url.Parse(c.Issuer)
	return err == nil && issuer.Scheme == "https"
}
