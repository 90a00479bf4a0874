package operator

import (
	"os"
	"path/filepath"
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

func TestTenantsPodsGetNamesThatNeedNoCompleting(t *testing.T) {
	for _, bad := range []settings{
		{DatabaseHost: "database-rw.irc-now.svc"}, {IntrospectURL: "http://introspect"}, {Nameservers: []string{"127.0.0.53"}},
	} {
		bad.DNSNamespaces = []string{"kube-system"}
		err := bad.Validate()
		if err == nil || !strings.Contains(err.Error(), "tenants' pods complete none") && !strings.Contains(err.Error(), "NAMESERVERS must be") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestNameserversAreTheProgramsOwnUnlessNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 10.96.0.10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var found settings
	if err := found.findNameservers(file); err != nil || len(found.Nameservers) != 1 || found.Nameservers[0] != "10.96.0.10" {
		t.Errorf("%v, %v", found.Nameservers, err)
	}
	named := settings{Nameservers: []string{"10.0.0.1"}}
	if err := named.findNameservers(file); err != nil || named.Nameservers[0] != "10.0.0.1" {
		t.Errorf("%v, %v", named.Nameservers, err)
	}
}
