package operator

import (
	"fmt"
	"os"

	"irc.now/operators/reconciler"
)

// resolverFile says whom this program asks for names; in a pod that is the cluster's DNS.
const resolverFile = "/etc/resolv.conf"

// findNameservers gives tenants' pods the program's own nameservers, unless NAMESERVERS names others.
func (s *settings) findNameservers(file string) error {
	if len(s.Nameservers) > 0 {
		return nil
	}
	own, err := os.Open(file) //nolint:gosec // the file is the system's
	if err != nil {
		return fmt.Errorf("find the cluster's nameservers, which NAMESERVERS may name: %w", err)
	}
	defer own.Close()
	if s.Nameservers, err = reconciler.NameserversIn(own); err != nil {
		return fmt.Errorf("read the cluster's nameservers: %w", err)
	}
	return nil
}
