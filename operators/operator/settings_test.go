package operator

import (
	"strings"
	"testing"
)

// A network and another user's bouncer may have the same name.
func TestBouncersAndNetworksHaveDomainsOfTheirOwn(t *testing.T) {
	for domain, refused := range map[string]bool{"": false, "net.irc.test": false, "irc.test": true, "IRC.test": true} {
		s := settings{Domain: "irc.test", NetworkDomain: domain}
		err := s.Validate()
		if got := err != nil && strings.Contains(err.Error(), "NETWORK_DOMAIN must be another domain than DOMAIN"); got != refused {
			t.Errorf("NETWORK_DOMAIN %q: %v", domain, err)
		}
	}
}
